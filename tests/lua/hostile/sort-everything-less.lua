-- E0460 3 2 1
return { name = "hostile", plan = function(inputs, _, price)
  local t = { 1, 2, 3 }
  table.sort(t, function() return true end)
  return nil, table.concat(t, " ")
end }
