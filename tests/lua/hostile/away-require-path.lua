-- E0450 is no module name
return { name = "hostile", plan = function(inputs, _, price)
  return require("../../etc/passwd")
end }
