-- E0463 mixes
return { name = "hostile", plan = function(inputs, _, price)
  return { 1, name = "a" }
end }
