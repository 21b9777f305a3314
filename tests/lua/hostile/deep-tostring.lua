-- E0450 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  return nil, tostring(setmetatable({}, { __tostring = function(t) return tostring(t) end }))
end }
