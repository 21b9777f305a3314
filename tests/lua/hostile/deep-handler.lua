-- E0460 false
return { name = "hostile", plan = function(inputs, _, price)
  return nil, tostring((xpcall(error, function() error("again") end)))
end }
