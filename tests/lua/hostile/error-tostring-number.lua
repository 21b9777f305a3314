-- E0450 7
return { name = "hostile", plan = function(inputs, _, price)
  error(setmetatable({}, { __tostring = function() return 7 end }))
end }
