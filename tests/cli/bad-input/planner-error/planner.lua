local M = { name = "planner" }
local function pick(slots)
  return slots[1].nodes.gpu
end
function M.plan(inputs)
  return { copies = pick(inputs.topology.slots) }
end
return M
