-- E0450 [31m red
return { name = "hostile", plan = function(inputs, _, price)
  error("\27[31m red \7", 0)
end }
