-- E0460 k1 k10 k100 k101
return { name = "hostile", plan = function(inputs, _, price)
  local t, keys = {}, {}
  for i = 200, 1, -1 do t["k" .. i] = i end
  for key in pairs(t) do keys[#keys + 1] = key end
  return nil, table.concat(keys, " ", 1, 4)
end }
