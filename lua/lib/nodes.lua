--- Ranks by the node that they are on.
local M = {}

---Members by node, nodes in order of first appearance.
---@param members integer[]
---@param node_of fun(rank: integer): integer
---@return integer[][]
function M.split(members, node_of)
  local nodes, index = {}, {}
  for _, rank in ipairs(members) do
    local node = node_of(rank)
    if not index[node] then
      nodes[#nodes + 1] = {}
      index[node] = nodes[#nodes]
    end
    table.insert(index[node], rank)
  end
  return nodes
end

---The members node by node, so that who goes through them in this order enters each node once.
---@param members integer[]
---@param node_of fun(rank: integer): integer
---@return integer[]
function M.order(members, node_of)
  local list = {}
  for _, ranks in ipairs(M.split(members, node_of)) do
    table.move(ranks, 1, #ranks, #list + 1, list)
  end
  return list
end

---Number of each member in a list of members, from 0.
---@param members integer[]
---@return table<integer, integer>
function M.index(members)
  local index = {}
  for i, rank in ipairs(members) do
    index[rank] = i - 1
  end
  return index
end

return M
