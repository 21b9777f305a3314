-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local t, text = {}, ("x"):rep(1 << 20)
  for i = 1, 1 << 12 do t[i] = text end
  return nil, table.concat(t)
end }
