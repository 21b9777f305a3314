-- E0460 before
return { name = "hostile", plan = function(inputs, _, price)
  return nil, "before\0after"
end }
