-- E0460 sorted
return { name = "hostile", plan = function(inputs, _, price)
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) t[#t + 1] = 0 return a < b end)
  return nil, "sorted"
end }
