-- E0450 field 'random'
return { name = "hostile", plan = function(inputs, _, price)
  return nil, math.random()
end }
