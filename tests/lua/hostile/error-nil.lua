-- E0450 nil
return { name = "hostile", plan = function(inputs, _, price)
  error(nil)
end }
