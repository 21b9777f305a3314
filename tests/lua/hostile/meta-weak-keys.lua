-- E0463 
return { name = "hostile", plan = function(inputs, _, price)
  local plan = setmetatable({}, { __mode = "k" })
  for i = 1, 1000 do plan["name" .. i] = {} end
  return plan
end }
