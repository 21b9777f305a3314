-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  ::again:: goto again
end }
