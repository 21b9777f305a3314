-- E0463 no table with a function plan
return setmetatable({}, { __index = function() return function() end end })
