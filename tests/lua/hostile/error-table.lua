-- E0450 table
return { name = "hostile", plan = function(inputs, _, price)
  error({ secret = 1 })
end }
