--- What a candidate may take: its lower bound and what its moves take at the least. It orders questions and
--- decides nothing: only a price does.
local bound = require("lib.bound")
local place = require("lib.place")
local roofline = require("lib.roofline")
local split = require("lib.split")
local traffic = require("lib.traffic")

local M = {}

local MOVE <const> = 1e-5 -- seconds before a move begins, roughly

---Slots of the first copy's ranks that own rows, and of those that hold experts.
local function sides(inputs, c)
  local shape, block = c.shape, place.block(inputs.topology.slots, c.shape.copies, 0)
  if not shape.experts then
    local ranks = table.move(block, 1, shape.groups * shape.members, 1, {})
    return ranks, ranks
  end
  local attention = c.values.attention
  local slots = place.slots(block, attention, shape.experts, c.values.placement)
  return table.move(slots, 1, attention, 1, {}), table.move(slots, attention + 1, #slots, 1, {})
end

---Seconds of the moves of one layer in one step.
local function moves(inputs, c, owners, holders, phase, tokens)
  local shape, model, topology = c.shape, inputs.model, inputs.topology
  local requests = split.ceil(split.ceil(inputs.workload.batch, shape.copies), shape.groups)
  local bytes, seconds = requests * tokens * model.hidden * roofline.element(inputs.workload), 0
  if shape.members > 1 then
    local members = table.move(owners, 1, shape.members, 1, {})
    seconds = 2 * MOVE + traffic.group(topology, members, bytes, c.values.output)
    if shape.groups == 1 and not shape.experts then -- experts are cut over the same members
      return 2 * seconds
    end
  end
  if shape.groups > 1 or shape.experts then
    local mode = c.values.moves or (phase == "prefill" and "exact" or "padded")
    local held = split.ceil(model.experts, shape.experts or shape.groups)
    local dispatch, combine =
      traffic.exchange(topology, owners, holders, bytes / shape.members, model.top_k, mode, held)
    seconds = seconds + 2 * MOVE + dispatch + combine
  end
  return seconds
end

---@param inputs table
---@param c PlanCandidate
---@return PlanTimes
function M.times(inputs, c)
  local times = bound.times(inputs, c.shape)
  local owners, holders = sides(inputs, c)
  local layers = inputs.model.layers
  return {
    prefill = times.prefill + layers * moves(inputs, c, owners, holders, "prefill", inputs.workload.prefill),
    tpot = times.tpot + layers * moves(inputs, c, owners, holders, "decode", 1),
  }
end

return M
