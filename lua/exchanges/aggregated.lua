--- aggregated: an exchange in two dimensions. What goes to another node first goes, inside the node, to the rank on
--- the rail of its receiver; that one sends what all of its node have for the receiver in one message across. So a
--- receiver hears from as many ranks as there are nodes, and each message is as many times larger. A node without
--- a rank on the rail shares its receivers out over its ranks. What a rank passes on lies in windows of fixed size:
--- padded moves only.
local nodes_of = require("lib.nodes")

local M = { padded = true }

---Who of a node sends to a receiver on another one.
---@param ranks integer[] of the node
local function relay(ranks, receiver, place_of)
  for _, rank in ipairs(ranks) do
    if place_of(rank).gpu == place_of(receiver).gpu then
      return rank
    end
  end
  return ranks[place_of(receiver).gpu % #ranks + 1]
end

---@param senders integer[] ranks, ascending
---@param receivers integer[] ranks, ascending
---@param place_of fun(rank: integer): {node: integer, gpu: integer}
---@return Way[][] what goes where, stage by stage
function M.expand(senders, receivers, place_of)
  local function node_of(rank)
    return place_of(rank).node
  end
  local all, known = {}, {}
  for _, list in ipairs({ senders, receivers }) do
    for _, rank in ipairs(list) do
      all[#all + 1], known[rank] = not known[rank] and rank or nil, true
    end
  end
  table.sort(all)
  local members = {}
  for _, ranks in ipairs(nodes_of.split(all, node_of)) do
    members[node_of(ranks[1])] = ranks
  end
  local inside, across = {}, {}
  for _, receiver in ipairs(receivers) do
    for _, sender in ipairs(senders) do
      local by = sender
      if node_of(sender) ~= node_of(receiver) then
        by = relay(members[node_of(sender)], receiver, place_of)
        across[#across + 1] = { from = by, to = receiver, sender = sender, receiver = receiver }
      else
        by = receiver
      end
      if by ~= sender then
        inside[#inside + 1] = { from = sender, to = by, sender = sender, receiver = receiver }
      end
    end
  end
  return { inside, across }
end

return M
