-- E0460 place-of-errors.lua:3: x
return { name = "hostile", plan = function(inputs, _, price)
  local _, message = pcall(function() error("x") end)
  return nil, #message == 24 and message or "a folder stands there: " .. message
end }
