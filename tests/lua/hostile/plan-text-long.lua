-- E0463 64 KiB
return { name = "hostile", plan = function(inputs, _, price)
  return { name = ("\1"):rep(1 << 22) }
end }
