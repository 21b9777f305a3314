local M = { name = "planner" }
function M.plan()
  local all = {}
  while true do
    all[#all + 1] = string.rep("x", 64 << 20)
  end
end
return M
