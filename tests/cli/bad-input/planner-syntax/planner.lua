local M = { name = "planner" }
function M.plan(inputs, options)
  return { copies = 1
end
return M
