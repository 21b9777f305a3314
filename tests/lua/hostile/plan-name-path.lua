-- E0463 cannot name a program
return { name = "hostile", plan = function(inputs, _, price)
  local plan = require("strategies.single").plan(inputs, { microbatches = 1 })
  plan.name = "../../x"
  return plan
end }
