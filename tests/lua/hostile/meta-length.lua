-- E0463 
return { name = "hostile", plan = function(inputs, _, price)
  return setmetatable({ 1 }, { __len = function() return 1 << 40 end, __index = function() return 1 end })
end }
