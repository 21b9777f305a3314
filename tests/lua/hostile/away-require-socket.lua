-- E0450 there is no module 'socket'
return { name = "hostile", plan = function(inputs, _, price)
  return require("socket").connect("localhost", 80)
end }
