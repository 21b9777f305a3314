-- E0450 too many results
return { name = "hostile", plan = function(inputs, _, price)
  return table.unpack({}, 1, 1 << 27)
end }
