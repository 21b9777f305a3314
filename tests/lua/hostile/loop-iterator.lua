-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  for _ in function() return 1 end do end
end }
