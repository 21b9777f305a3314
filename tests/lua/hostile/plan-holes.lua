-- E0463 holes
return { name = "hostile", plan = function(inputs, _, price)
  return { [1] = 1, [1 << 40] = 2 }
end }
