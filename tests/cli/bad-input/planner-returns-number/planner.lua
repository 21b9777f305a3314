return { name = "planner", plan = function() return 16 end }
