-- E0460 gone
return { name = "hostile", plan = function(inputs, _, price)
  getmetatable("").__index = nil
  return nil, "gone"
end }
