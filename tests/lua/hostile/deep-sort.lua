-- E0450 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  local function down() table.sort({ 2, 1 }, down) return false end
  return nil, down()
end }
