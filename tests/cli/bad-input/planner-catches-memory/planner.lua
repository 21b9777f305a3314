local M = { name = "planner" }
function M.plan()
  local ok, why = pcall(string.rep, "x", 1 << 32)
  return nil, ok and "there is room" or tostring(why)
end
return M
