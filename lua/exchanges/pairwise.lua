--- pairwise: as many stages as the larger side has ranks; in each of them a rank sends to one rank at most and
--- receives from one at most, so that no two flows meet in one place.
local M = {}

---@param senders integer[] ranks, ascending
---@param receivers integer[] ranks, ascending
---@return Way[][] what goes where, stage by stage
function M.expand(senders, receivers)
  local stages, most = {}, math.max(#senders, #receivers)
  for round = 0, most - 1 do
    local list = {}
    for i, from in ipairs(senders) do
      local to = receivers[(i - 1 + round) % most + 1]
      if to and to ~= from then
        list[#list + 1] = { from = from, to = to, sender = from, receiver = to }
      end
    end
    stages[#stages + 1] = list
  end
  return stages
end

return M
