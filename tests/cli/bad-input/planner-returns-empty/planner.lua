return { name = "planner", plan = function() return {} end }
