-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local all = {}
  while true do all[#all + 1] = function() return all end end
end }
