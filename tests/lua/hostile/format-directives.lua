-- E0460 %s%s%n%d
return { name = "hostile", plan = function(inputs, _, price)
  return nil, "%s%s%n%d"
end }
