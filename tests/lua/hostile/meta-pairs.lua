-- E0460 3
return { name = "hostile", plan = function(inputs, _, price)
  local n = 0
  for _ in pairs(setmetatable({}, { __pairs = function() return function(_, k) k = (k or 0) + 1 if k < 4 then return k end end end })) do n = n + 1 end
  return nil, tostring(n)
end }
