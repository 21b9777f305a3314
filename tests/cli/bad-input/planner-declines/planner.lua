local M = { name = "planner" }
function M.plan(inputs)
  return nil, string.format("%d layers are too many", inputs.model.layers)
end
return M
