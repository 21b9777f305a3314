-- E0450 'io' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return io.popen("id")
end }
