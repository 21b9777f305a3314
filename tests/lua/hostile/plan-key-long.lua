-- E0463 key
return { name = "hostile", plan = function(inputs, _, price)
  return { [("k"):rep(1000)] = "a" }
end }
