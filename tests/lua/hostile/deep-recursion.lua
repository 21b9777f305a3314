-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local function down() return 1 + down() end
  return nil, down()
end }
