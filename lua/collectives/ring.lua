--- ring: every member sends to the next one and receives from the one before, node by node, so that each node
--- is entered once and left once. A sum goes around twice: first each piece collects its parts, one member a
--- stage, and ends with its owner, then the sums are passed on. The most bandwidth for large payloads, at 2 (n - 1)
--- latencies (Patarasuk and Yuan 2009).
local nodes = require("lib.nodes")
local transfers = require("lib.transfers")

local M = { sharded = false }

---The ring, and the piece of the member at each place of it. Places count from 0, around.
local function ring(members, node_of)
  local order, index = nodes.order(members, node_of), nodes.index(members)
  local function rank(place)
    return order[place % #order + 1]
  end
  return rank, function(place)
    return index[rank(place)]
  end
end

---Stages after which member j holds the sum of piece j.
local function scatter(stages, members, node_of)
  local rank, piece = ring(members, node_of)
  for step = 1, #members - 1 do
    local list = {}
    for p = 0, #members - 1 do
      list[#list + 1] = transfers.sum(rank(p), rank(p + 1), piece(p - step))
    end
    transfers.add(stages, list)
  end
end

---Stages that give piece j of member j to all.
local function spread(stages, members, node_of)
  local rank, piece = ring(members, node_of)
  for step = 1, #members - 1 do
    local list = {}
    for p = 0, #members - 1 do
      list[#list + 1] = transfers.copy(rank(p), rank(p + 1), piece(p - step + 1))
    end
    transfers.add(stages, list)
  end
end

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local stages = {}
  scatter(stages, members, node_of)
  spread(stages, members, node_of)
  return { pieces = #members, unit = "element", stages = stages }
end

---Member j is left with the sums of the rows that it owns.
function M.scatter(members, node_of)
  local stages = {}
  scatter(stages, members, node_of)
  return { pieces = #members, unit = "row", stages = stages }
end

---Member j gives the rows that it owns to all.
function M.gather(members, node_of)
  local stages = {}
  spread(stages, members, node_of)
  return { pieces = #members, unit = "row", stages = stages }
end

return M
