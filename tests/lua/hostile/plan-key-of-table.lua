-- E0463 neither text
return { name = "hostile", plan = function(inputs, _, price)
  return { [{}] = 1 }
end }
