-- E0450 %p is not available
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("%p"):format({})
end }
