return { name = "planner", options = { { name = "size", type = "number" } }, plan = function() end }
