-- E0460 C stack overflow
return { name = "hostile", plan = function(inputs, _, price)
  local function down() return pcall(down) end
  local function last(...) return (select(select("#", ...), ...)) end
  return nil, tostring(last(down()))
end }
