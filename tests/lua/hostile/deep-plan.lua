-- E0463 nested too deep
return { name = "hostile", plan = function(inputs, _, price)
  local t = {}
  for _ = 1, 100000 do t = { stages = t } end
  return t
end }
