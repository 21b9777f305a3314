-- E0450 on a nnnn
return { name = "hostile", plan = function(inputs, _, price)
  local t = setmetatable({}, { __name = ("n"):rep(100000) })
  return t + 1
end }
