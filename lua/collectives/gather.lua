--- gather: an all-gather by rows; member j contributes the rows that it owns.
local M = {}

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local pieces = {}
  for i = 1, #members do
    pieces[i] = { i - 1, i }
  end
  local set = { ranks = members, pieces = pieces }
  local stage = { primitive = "all_gather", sets = { set } }
  return { pieces = #members, unit = "row", stages = { stage } }
end

return M
