-- E0463 finite
return { name = "hostile", plan = function(inputs, _, price)
  return { copies = math.huge }
end }
