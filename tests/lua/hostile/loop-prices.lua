-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  while true do price({ ranks = {} }) end
end }
