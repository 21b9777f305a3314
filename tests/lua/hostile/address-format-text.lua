-- E0460 table
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("%s"):format({})
end }
