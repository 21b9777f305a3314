-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  return nil, string.pack("c2147483647", "")
end }
