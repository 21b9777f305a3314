-- E0460 bytes more
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("long "):rep(1 << 21)
end }
