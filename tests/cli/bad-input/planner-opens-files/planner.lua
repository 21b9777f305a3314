local M = { name = "planner" }
function M.plan()
  return { copies = #io.open("/etc/passwd"):read("a") }
end
return M
