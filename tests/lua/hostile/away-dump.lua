-- E0450 field 'dump'
return { name = "hostile", plan = function(inputs, _, price)
  return string.dump(function() end)
end }
