--- Seconds that moves take at the least, from the bandwidths and latencies of links, NICs and
--- network.
local M = {}

local function steps(n) -- of a tree over n members
  local count = 0
  while 1 << count < n do
    count = count + 1
  end
  return count
end

local function nic(topology, kind)
  return kind.nic_bandwidth / topology.network.oversubscription
end

---Bandwidth and latency of the slowest edge of a ring over these slots, `streams` rings sharing the
---NICs.
local function ring(topology, slots, streams)
  local bandwidth, latency = math.huge, 0
  for i, slot in ipairs(slots) do
    local following = slots[i % #slots + 1]
    local edge, delay = slot.kind.link.bandwidth, slot.kind.link.latency
    if slot.node ~= following.node then
      local share = math.min(1, slot.kind.nics / streams)
      edge, delay = nic(topology, slot.kind) * share, topology.network.latency
    end
    bandwidth, latency = math.min(bandwidth, edge), math.max(latency, delay)
  end
  return bandwidth, latency
end

---A reduce-scatter or an all-gather over these slots.
local function half(topology, slots, bytes, streams)
  local n = #slots
  if n < 2 then
    return 0
  end
  local bandwidth, latency = ring(topology, slots, streams)
  return (n - 1) / n * bytes / bandwidth + steps(n) * latency
end

local function hierarchical(topology, slots, bytes)
  local nodes, at = {}, {}
  for _, slot in ipairs(slots) do
    if not at[slot.node] then
      nodes[#nodes + 1] = {}
      at[slot.node] = nodes[#nodes]
    end
    table.insert(at[slot.node], slot)
  end
  local rails, inside, along = #slots, 0, {}
  for k, node in ipairs(nodes) do
    rails, along[k] = math.min(rails, #node), node[1]
    inside = math.max(inside, half(topology, node, bytes, 1))
  end
  return 2 * inside + 2 * half(topology, along, bytes / rails, rails)
end

---The move of attention outputs, and the gather that follows it, over the members of a group.
---@param topology table
---@param slots table[] of the members
---@param bytes integer rows x hidden, as elements are sent
---@param output "flat"|"hierarchical"|"sharded"
---@return number seconds
function M.group(topology, slots, bytes, output)
  local gather = half(topology, slots, bytes, 1)
  if output == "hierarchical" then
    return gather + hierarchical(topology, slots, bytes)
  end
  return gather + (output == "flat" and 2 or 1) * half(topology, slots, bytes, 1)
end

---Slots per node, and their kinds.
local function count(slots)
  local by_node, kinds = {}, {}
  for _, slot in ipairs(slots) do
    by_node[slot.node] = (by_node[slot.node] or 0) + 1
    kinds[slot.node] = slot.kind
  end
  return by_node, kinds
end

---Seconds on links and NICs of the nodes of one side; each slot exchanges `pair` bytes with each
---slot of the other side.
local function side(topology, here, kinds, there, others, pair)
  local slowest, latency = 0, 0
  for node, slots in pairs(here) do
    local kind = kinds[node]
    slowest = math.max(slowest, pair * others / kind.link.bandwidth)
    latency = math.max(latency, kind.link.latency)
    local outside = others - (there[node] or 0)
    if outside > 0 then
      slowest = math.max(slowest, pair * slots * outside / (kind.nics * nic(topology, kind)))
      latency = math.max(latency, topology.network.latency)
    end
  end
  return slowest + latency
end

---Dispatch and combine. Exact ones send a token once to each rank that holds a choice of it, and get
---a row back for each choice; padded ones send windows that hold all rows of the source to every
---rank, and all their results back.
---@param topology table
---@param sources table[] slots of the owners
---@param targets table[] slots of the expert ranks
---@param bytes number of the rows that a source owns
---@param top_k integer
---@param mode "padded"|"exact"
---@param held integer experts of a target
---@return number dispatch seconds
---@return number combine seconds
function M.exchange(topology, sources, targets, bytes, top_k, mode, held)
  local from, from_kinds = count(sources)
  local to, to_kinds = count(targets)
  local function seconds(pair)
    return math.max(
      side(topology, from, from_kinds, to, #targets, pair),
      side(topology, to, to_kinds, from, #sources, pair)
    )
  end
  if mode == "padded" then
    return seconds(bytes), seconds(bytes * math.min(top_k, held))
  end
  return seconds(bytes * (1 - (1 - 1 / #targets) ^ top_k)), seconds(bytes * top_k / #targets)
end

return M
