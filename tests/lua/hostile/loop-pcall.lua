-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  while true do pcall(function() while true do end end) end
end }
