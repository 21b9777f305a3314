-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  local t = setmetatable({}, { __index = function() while true do end end })
  return t.anything
end }
