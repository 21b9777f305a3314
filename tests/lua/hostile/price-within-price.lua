-- E0460 false
return { name = "hostile", plan = function(inputs, _, price)
  local plan = setmetatable({}, { __index = function() return price({}) end })
  return nil, tostring(price(plan).ok)
end }
