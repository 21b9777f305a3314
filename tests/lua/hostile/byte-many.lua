-- E0450 string slice too long
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("x"):rep(1 << 24):byte(1, -1)
end }
