-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  xpcall(error, function() while true do end end)
end }
