-- E0462 MiB
return { name = "hostile", plan = function(inputs, _, price)
  local text = "xxxxxxxxxxxxxxxx"
  while true do text = text .. text end
end }
