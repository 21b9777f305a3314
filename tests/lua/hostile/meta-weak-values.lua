-- E0463 
return { name = "hostile", plan = function(inputs, _, price)
  local plan = setmetatable({}, { __mode = "v" })
  for i = 1, 1000 do plan["name" .. i] = { ("x"):rep(1000) } end
  for i = 1, 100000 do local _ = { i } end
  return plan
end }
