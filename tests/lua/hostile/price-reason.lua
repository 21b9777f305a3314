-- E0460 a number
return { name = "hostile", plan = function(inputs, _, price)
  return nil, "a number " .. price(nil, 7).reason
end }
