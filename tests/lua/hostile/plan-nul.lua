-- E0463 UTF-8
return { name = "hostile", plan = function(inputs, _, price)
  return { name = "a\0b" }
end }
