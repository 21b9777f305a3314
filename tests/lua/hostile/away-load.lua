-- E0450 'load' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return load("return 1")()
end }
