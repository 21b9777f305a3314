-- E0450 bytes more
return { name = "hostile", plan = function(inputs, _, price)
  error(("long "):rep(1 << 21))
end }
