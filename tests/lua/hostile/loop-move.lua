-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  table.move(setmetatable({}, { __index = function() return 1 end }), 1, math.maxinteger - 1, 1,
    setmetatable({}, { __newindex = function() end }))
end }
