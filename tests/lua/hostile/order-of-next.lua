-- E0460 a b
return { name = "hostile", plan = function(inputs, _, price)
  local t = { b = 1, a = 2 }
  return nil, next(t) .. " " .. next(t, "a")
end }
