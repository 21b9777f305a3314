-- E0450 'debug' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return debug.getregistry()
end }
