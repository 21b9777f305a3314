--- flat: one all-reduce over all members.
local M = { sharded = false }

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local pieces = {}
  for i = 1, #members do
    pieces[i] = { 0, 1 }
  end
  local set = { ranks = members, pieces = pieces }
  return { pieces = 1, unit = "element", stages = { { primitive = "all_reduce", sets = { set } } } }
end

return M
