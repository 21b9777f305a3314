-- E0450 bytes more
return { name = "hostile", plan = function(inputs, _, price)
  error((":1"):rep(1 << 21), 0)
end }
