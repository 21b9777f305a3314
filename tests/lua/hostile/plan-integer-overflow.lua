-- E0463 
return { name = "hostile", plan = function(inputs, _, price)
  local plan = require("strategies.single").plan(inputs, { microbatches = 1 })
  plan.copies = math.maxinteger
  plan.ranks_per_copy = math.maxinteger
  return plan
end }
