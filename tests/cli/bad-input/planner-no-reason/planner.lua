local M = { name = "planner" }
function M.plan()
end
return M
