-- E0463 options is no list
return { name = "hostile", options = 7, plan = function() end }
