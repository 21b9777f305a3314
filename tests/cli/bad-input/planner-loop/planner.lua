local M = { name = "planner" }
function M.plan()
  while true do
  end
end
return M
