-- E0450 as if from there
return { name = "hostile", plan = function(inputs, _, price)
  error("/etc/passwd:1: as if from there", 0)
end }
