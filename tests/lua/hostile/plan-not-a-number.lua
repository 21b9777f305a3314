-- E0463 finite
return { name = "hostile", plan = function(inputs, _, price)
  return { copies = 0 / 0 }
end }
