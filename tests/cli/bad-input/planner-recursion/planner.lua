local M = { name = "planner" }
function M.plan()
  return 1 + M.plan()
end
return M
