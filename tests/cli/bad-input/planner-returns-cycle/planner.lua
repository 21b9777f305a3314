local M = { name = "planner" }
function M.plan()
  local plan = { stages = {} }
  plan.stages[1] = plan
  return plan
end
return M
