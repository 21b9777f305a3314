-- E0450 protected metatable
return { name = "hostile", plan = function(inputs, _, price)
  setmetatable(_ENV, {})
end }
