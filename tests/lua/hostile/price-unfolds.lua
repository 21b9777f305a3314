-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local t = { "leaf" }
  for _ = 1, 28 do t = { t, t } end
  return nil, price({ ranks = t }).reason
end }
