-- E0450 has no order
return { name = "hostile", plan = function(inputs, _, price)
  for _ in pairs({ [{}] = 1, [{}] = 2 }) do end
end }
