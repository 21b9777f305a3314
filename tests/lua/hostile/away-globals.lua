-- E0450 '_G' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  _G.print = 1
end }
