--- Stages of transfers. All transfers of a stage happen at once: what is sent is what was there before.
local M = {}

---@class Transfer
---@field from integer rank
---@field to integer rank
---@field pieces integer[] [begin, end) of the move's payload, at the same place on both sides
---@field reduce "copy"|"sum" what becomes of them in the receiver

---@param from integer
---@param to integer
---@param first integer piece
---@param last integer? the one behind the last piece; default: one piece
---@return Transfer
function M.copy(from, to, first, last)
  return { from = from, to = to, pieces = { first, last or first + 1 }, reduce = "copy" }
end

---@return Transfer
function M.sum(from, to, first, last)
  return { from = from, to = to, pieces = { first, last or first + 1 }, reduce = "sum" }
end

---Transfers of pieces that follow each other, between the same ranks and alike, as one.
---@param list Transfer[] in the order of their pieces, for each pair of ranks
---@return Transfer[]
function M.joined(list)
  local kept, last = {}, {}
  for _, t in ipairs(list) do
    local key = t.from .. " " .. t.to .. " " .. t.reduce
    local before = last[key]
    if before and before.pieces[2] == t.pieces[1] then
      before.pieces[2] = t.pieces[2]
    else
      kept[#kept + 1] = t
      last[key] = t
    end
  end
  return kept
end

---Ranks that have to do with each other, however indirectly: each rank with the least of its set.
local function roots(list)
  local root = {}
  local function find(rank)
    while root[rank] ~= rank do
      rank = root[rank]
    end
    return rank
  end
  for _, t in ipairs(list) do
    root[t.from], root[t.to] = root[t.from] or t.from, root[t.to] or t.to
    local a, b = find(t.from), find(t.to)
    root[math.max(a, b)] = math.min(a, b)
  end
  local least = {}
  for rank in pairs(root) do
    least[rank] = find(rank)
  end
  return least
end

---Add a stage: one set for each group of ranks that have to do with each other, so that nobody waits for
---others. Without transfers there is none.
---@param stages table[]
---@param list Transfer[]
function M.add(stages, list)
  if #list == 0 then
    return
  end
  local sets, at, least = {}, {}, roots(list)
  local ranks = {}
  for rank in pairs(least) do
    ranks[#ranks + 1] = rank
  end
  table.sort(ranks)
  for _, rank in ipairs(ranks) do
    local set = at[least[rank]]
    if not set then
      set = { ranks = {}, transfers = {} }
      at[least[rank]], sets[#sets + 1] = set, set
    end
    table.insert(set.ranks, rank)
  end
  for _, t in ipairs(list) do
    table.insert(at[least[t.from]].transfers, t)
  end
  stages[#stages + 1] = { primitive = "transfers", sets = sets }
end

return M
