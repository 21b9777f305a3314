-- E0450 'dofile' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return dofile("/etc/passwd")
end }
