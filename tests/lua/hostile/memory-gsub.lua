-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  return nil, (("x"):rep(1 << 20):gsub("x", ("y"):rep(1 << 10)))
end }
