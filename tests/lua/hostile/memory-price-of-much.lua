-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local many = {}
  for i = 1, 1200000 do many[i] = 1 end
  price({ ranks = many, idle = many, stages = many, head = many, embedding = many })
  return nil, "priced"
end }
