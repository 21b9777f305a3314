-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  local all = {}
  while true do pcall(function() all[#all + 1] = ("x"):rep(1 << 20) end) end
end }
