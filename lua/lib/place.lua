--- Which GPU each rank takes. Slots are entries of topology.slots: {node, gpu, kind}, node by node.
local M = {}

---The slots that a copy may use: consecutive blocks of equal size, so that all copies have room for
---one structure.
---@param slots table[]
---@param copies integer
---@param copy integer from 0
---@return table[]
function M.block(slots, copies, copy)
  local size = #slots // copies
  return table.move(slots, copy * size + 1, (copy + 1) * size, 1, {})
end

---Nodes of these slots in order, each a list of indices into `slots`.
local function by_node(slots, count)
  local nodes = {}
  for i = 1, count do
    local last = nodes[#nodes]
    if not last or slots[last[1]].node ~= slots[i].node then
      nodes[#nodes + 1] = { i }
    else
      last[#last + 1] = i
    end
  end
  return nodes
end

---Expert ranks as evenly over the nodes as they go, on the last GPUs of each.
local function spread(slots, attention, experts)
  local nodes = by_node(slots, attention + experts)
  local taken, left = {}, experts
  local function take(node, wanted)
    for i = #node, 1, -1 do
      if wanted > 0 and not taken[node[i]] then
        taken[node[i]] = true
        wanted, left = wanted - 1, left - 1
      end
    end
  end
  for k, node in ipairs(nodes) do
    take(node, experts * k // #nodes - experts * (k - 1) // #nodes)
  end
  for k = #nodes, 1, -1 do -- what smaller nodes had no room for
    take(nodes[k], left)
  end
  local order, tail = {}, {}
  for i = 1, attention + experts do
    local list = taken[i] and tail or order
    list[#list + 1] = slots[i]
  end
  return table.move(tail, 1, #tail, #order + 1, order)
end

---Slots of ranks 0 .. attention + experts - 1, attention first. The first GPUs of the block are
---used. packed: attention ranks fill the nodes, experts come last; spread: experts on the last GPUs
---of each node.
---@param slots table[]
---@param attention integer
---@param experts integer
---@param placement "spread"|"packed"
---@return table[]
function M.slots(slots, attention, experts, placement)
  if placement == "spread" then
    return spread(slots, attention, experts)
  end
  return table.move(slots, 1, attention + experts, 1, {})
end

---ranks[] and idle[] of a plan: the same structure in each copy's block.
---@param topology table
---@param copies integer
---@param choose fun(block: table[]): table[] slots of a copy's ranks
---@return table[] ranks
---@return table[] idle
function M.ranks(topology, copies, choose)
  local ranks, idle, used = {}, {}, {}
  for copy = 0, copies - 1 do
    for _, slot in ipairs(choose(M.block(topology.slots, copies, copy))) do
      ranks[#ranks + 1] = { rank = #ranks, node = slot.node, gpu = slot.gpu }
      used[slot.node .. "." .. slot.gpu] = true
    end
  end
  local unused = string.format("not needed: %d ranks for %d copies", #ranks, copies)
  for _, slot in ipairs(topology.slots) do
    if not used[slot.node .. "." .. slot.gpu] then
      idle[#idle + 1] = { node = slot.node, gpu = slot.gpu, why = unused }
    end
  end
  return ranks, idle
end

return M
