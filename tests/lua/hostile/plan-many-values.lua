-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local many = {}
  for i = 1, 3000000 do many[i] = 1 end
  return { ranks = many, idle = many }
end }
