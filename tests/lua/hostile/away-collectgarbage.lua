-- E0450 'collectgarbage' is not defined
return { name = "hostile", plan = function(inputs, _, price)
  return nil, collectgarbage("count")
end }
