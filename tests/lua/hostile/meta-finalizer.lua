-- E0450 finalizers (__gc) are not available
return { name = "hostile", plan = function(inputs, _, price)
  local plan = { name = "a", copies = 1 }
  setmetatable({}, { __gc = function() for i = 1, 100000 do plan["k" .. i] = 1 end end })
  return plan
end }
