-- E0450 table expected
return { name = "hostile", plan = function(inputs, _, price)
  return nil, price("junk").reason
end }
