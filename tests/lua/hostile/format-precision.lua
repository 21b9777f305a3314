-- E0450 invalid conversion
return { name = "hostile", plan = function(inputs, _, price)
  return nil, ("%99999d"):format(1)
end }
