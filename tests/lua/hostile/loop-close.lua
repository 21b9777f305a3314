-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  local guard <close> = setmetatable({}, { __close = function() while true do end end })
  return nil, "leaving"
end }
