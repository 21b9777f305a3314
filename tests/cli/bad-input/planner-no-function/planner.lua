return { name = "planner" }
