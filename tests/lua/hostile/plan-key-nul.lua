-- E0463 key
return { name = "hostile", plan = function(inputs, _, price)
  return { ["na\0me"] = "a" }
end }
