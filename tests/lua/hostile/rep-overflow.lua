-- E0450 resulting string too large
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("x"):rep(1 << 62, "yy")
end }
