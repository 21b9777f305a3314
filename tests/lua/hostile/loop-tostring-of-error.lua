-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  error(setmetatable({}, { __tostring = function() while true do end end }))
end }
