-- E0463 needs name and type
local options = {}
options[1] = options
return { name = "hostile", options = options, plan = function() end }
