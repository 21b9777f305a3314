-- E0450 'print' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  print("to standard output")
end }
