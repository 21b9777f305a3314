-- E0450 compare
return { name = "hostile", plan = function(inputs, _, price)
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) for i = 1, 3 do t[i] = nil end return a < b end)
  return nil, "sorted"
end }
