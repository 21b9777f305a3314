-- E0450 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  local function down() return (("x"):gsub("x", down)) end
  return nil, down()
end }
