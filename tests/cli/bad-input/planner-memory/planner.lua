local M = { name = "planner" }
function M.plan()
  local all = {}
  while true do
    all[#all + 1] = { #all }
  end
end
return M
