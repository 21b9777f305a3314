-- E0460 table function function
return { name = "hostile", plan = function(inputs, _, price)
  return nil, table.concat({ tostring({}), tostring(pairs), tostring(function() end) }, " ")
end }
