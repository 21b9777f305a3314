-- E0460 contains itself
return { name = "hostile", plan = function(inputs, _, price)
  local t = {}
  t.ranks = t
  return nil, price(t).reason
end }
