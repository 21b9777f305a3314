-- E0450 must return a string
return { name = "hostile", plan = function(inputs, _, price)
  error(setmetatable({}, { __tostring = function() return {} end }))
end }
