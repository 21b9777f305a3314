-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  table.sort(setmetatable({}, { __len = function() return math.maxinteger end }), function() return false end)
end }
