local M = { name = "planner" }
function M.plan(inputs, options)
  local plan = require("strategies.single").plan(inputs, { microbatches = 1 })
  plan.stages[1].attention[1].members[1].heads = { 0, 64 }
  return plan
end
return M
