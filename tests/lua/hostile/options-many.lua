-- E0463 needs name and type
local many = {}
for i = 1, 100000 do many[i] = {} end
return { name = "hostile", options = many, plan = function() end }
