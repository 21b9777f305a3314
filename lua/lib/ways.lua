--- The ways of dispatch and combine: algorithms of lua/exchanges/ as stages of transfers. Piece s x R + t of the R x R
--- pieces is what goes between the owner of tokens s and the holder of experts t, of R ranks of a copy.
local transfers = require("lib.transfers")

local M = {}

---@class Way what one rank has for another, on a part of its way
---@field from integer who sends it now
---@field to integer
---@field sender integer who has had it
---@field receiver integer who it is for

---The option of a strategy. Any Lua file of lua/exchanges under --share may be named too.
---@return table
function M.option()
  return {
    name = "exchange",
    type = "choice",
    values = { "aggregated", "direct", "pairwise" },
    folder = "exchanges",
    default = "direct",
    doc = "how tokens go to their experts and back: all at once, one partner at a time, or by node and rail",
  }
end

---Why the moves cannot be so, or nil.
---@param name string
---@param modes table<string, "padded"|"exact"> by phase
---@return string?
function M.obstacle(name, modes)
  if name == "direct" or not require("exchanges." .. name).padded then
    return nil
  end
  for _, phase in ipairs({ "prefill", "decode" }) do
    if modes[phase] == "exact" then
      return string.format("exchange=%s passes rows on in windows of fixed size, and the moves of %s are exact; "
        .. "use moves=padded, or exchange=pairwise", name, phase)
    end
  end
end

---Ranks that own tokens and ranks that hold experts, of a stage of the plan, ascending.
local function sides(stage)
  local owners, holders, known = {}, {}, {}
  for _, group in ipairs(stage.attention) do
    for _, member in ipairs(group.members) do
      owners[#owners + 1] = member.rank
    end
  end
  for _, expert in ipairs(stage.experts) do
    holders[#holders + 1] = not known[expert.rank] and expert.rank or nil
    known[expert.rank] = true
  end
  table.sort(owners)
  table.sort(holders)
  return owners, holders
end

---Stages of dispatch, or of combine, over all stages of the plan at once.
---@param name string
---@param stages table[] of the plan
---@param ranks table[] of the plan
---@param count integer ranks of a copy
---@param back boolean of combine
---@return table[] stages
---@return integer pieces
function M.expand(name, stages, ranks, count, back)
  local lists = {}
  for _, stage in ipairs(stages) do
    local senders, receivers = sides(stage)
    if back then
      senders, receivers = receivers, senders
    end
    local ways = require("exchanges." .. name).expand(senders, receivers, function(rank)
      return ranks[rank + 1]
    end)
    for i, list in ipairs(ways) do
      lists[i] = lists[i] or {}
      for _, way in ipairs(list) do
        local owner, holder = way.sender, way.receiver
        if back then
          owner, holder = holder, owner
        end
        table.insert(lists[i], transfers.copy(way.from, way.to, owner * count + holder))
      end
    end
  end
  local expanded = {}
  for _, list in ipairs(lists) do
    transfers.add(expanded, list)
  end
  return expanded, count * count
end

return M
