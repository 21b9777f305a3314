-- E0461 took more than
return { name = "hostile", plan = function(inputs, _, price)
  local function again() return again() end
  return again()
end }
