-- E0450 'loadfile' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return loadfile("/etc/passwd")
end }
