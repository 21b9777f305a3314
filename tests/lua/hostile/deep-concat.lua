-- E0450 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  local t
  t = setmetatable({}, { __concat = function() return t .. "x" end })
  return nil, t .. "x"
end }
