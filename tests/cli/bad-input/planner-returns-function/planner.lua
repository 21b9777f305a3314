return { name = "planner", plan = function() return { copies = print } end }
