-- E0450 attempt to index a boolean
return { name = "hostile", plan = function(inputs, _, price)
  getmetatable(_ENV).__index = nil
end }
