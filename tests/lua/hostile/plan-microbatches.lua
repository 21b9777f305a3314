-- E0460 false
return { name = "hostile", plan = function(inputs, _, price)
  local plan = require("strategies.single").plan(inputs, { microbatches = 1 })
  for _, step in ipairs(plan.steps) do step.microbatches = 1 << 30 end
  return nil, tostring(price(plan).ok)
end }
