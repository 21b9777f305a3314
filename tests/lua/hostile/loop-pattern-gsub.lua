-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  return nil, (("a"):rep(200):gsub(("a-"):rep(30) .. "b", ""))
end }
