-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local i = 0
  while true do
    i = i + 1
    rawset(_ENV, "name" .. i, i)
  end
end }
