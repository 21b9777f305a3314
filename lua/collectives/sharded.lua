--- sharded: a reduce-scatter by rows; member j is left with the sums of the rows that it owns.
local M = { sharded = true }

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local pieces = {}
  for i = 1, #members do
    pieces[i] = { i - 1, i }
  end
  local set = { ranks = members, pieces = pieces }
  local stage = { primitive = "reduce_scatter", sets = { set } }
  return { pieces = #members, unit = "row", stages = { stage } }
end

return M
