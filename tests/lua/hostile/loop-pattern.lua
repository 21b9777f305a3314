-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  return nil, tostring(("a"):rep(200):find(("a-"):rep(30) .. "b"))
end }
