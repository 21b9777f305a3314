-- E0450 attempt to index
return { name = "hostile", plan = function(inputs, _, price)
  local _ENV <const> = nil
  return pairs({})
end }
