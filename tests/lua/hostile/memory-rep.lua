-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("x"):rep(1 << 30)
end }
