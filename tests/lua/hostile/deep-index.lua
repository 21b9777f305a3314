-- E0450 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  local t
  t = setmetatable({}, { __index = function(_, key) return t[key] end })
  return t.anything
end }
