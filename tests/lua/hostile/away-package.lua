-- E0450 'package' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return package.loadlib("libc.so.6", "system")
end }
