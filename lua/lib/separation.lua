--- What a separation of attention and experts would cost: the estimate that ranks candidates, and the
--- reasons for which one is impossible.
local place = require("lib.place")
local roofline = require("cost.roofline")
local split = require("lib.split")
local traffic = require("lib.traffic")

local M = {}

---@class Candidate
---@field attention integer
---@field experts integer
---@field groups integer
---@field placement "spread"|"packed"
---@field output "flat"|"hierarchical"|"sharded"

---@class Setting
---@field inputs table
---@field block table[] slots of the first copy
---@field batch integer requests of a copy
---@field counts integer[]? experts per expert rank, where the user gave them
---@field microbatches table<string, integer?> by phase, where the user gave them

---Experts per expert rank.
---@param setting Setting
---@param ranks integer
---@return integer[]
function M.counts(setting, ranks)
  return setting.counts or split.descending(setting.inputs.model.experts, ranks)
end

---Why a candidate cannot be, or nil.
---@param setting Setting
---@param c Candidate
---@return string?
function M.obstacle(setting, c)
  local model = setting.inputs.model
  local members = split.ceil(c.attention, c.groups)
  if c.attention < 1 or c.experts < 1 then
    return "it needs at least one attention rank and one expert rank"
  elseif c.experts > model.experts then
    return string.format(
      "%d expert ranks are more than the %d experts, so some would hold nothing; use experts=%d or fewer",
      c.experts, model.experts, model.experts)
  elseif c.groups > c.attention or c.groups < 1 then
    return string.format("%d attention ranks do not make %d request groups; use groups=1..%d",
      c.attention, c.groups, c.attention)
  elseif members > model.heads then
    return string.format(
      "a request group of %d ranks is more than the %d query heads, so some would hold nothing; use "
        .. "groups=%d or more", members, model.heads, split.ceil(c.attention, model.heads))
  elseif c.groups > setting.batch then
    return string.format("%d request groups share %d requests, so some would have none; use a larger "
      .. "batch or fewer groups", c.groups, setting.batch)
  end
  for _, phase in ipairs({ "prefill", "decode" }) do
    local count = setting.microbatches[phase] or 1
    if count > setting.batch // c.groups or count < 1 then
      return string.format("%d micro-batches of the %d requests of a group would leave some empty",
        count, setting.batch // c.groups)
    end
  end
end

---Estimated seconds of one step.
---@param setting Setting
---@param c Candidate
---@param slots table[] of the ranks
---@param tokens integer rows a sequence
---@param microbatches integer
---@return number
function M.step(setting, c, slots, tokens, microbatches)
  local inputs, topology = setting.inputs, setting.inputs.topology
  local members = split.ceil(c.attention, c.groups)
  local sequences = split.ceil(split.ceil(setting.batch, c.groups), microbatches)
  local row = inputs.model.hidden * roofline.element(inputs.workload)
  local owners = table.move(slots, 1, c.attention, 1, {})
  local holders = table.move(slots, c.attention + 1, #slots, 1, {})
  local group = table.move(slots, 1, members, 1, {})
  local attention = roofline.attention(inputs, slots[1].kind.gpu, {
    members = members, sequences = sequences, tokens = tokens, context = inputs.workload.context,
  }) + traffic.group(topology, group, sequences * tokens * row, c.output)
  local held = math.max(table.unpack(M.counts(setting, c.experts)))
  local rows = sequences * tokens * c.groups
  local experts = roofline.experts(inputs, holders[1].kind.gpu, held, rows)
  local move =
    traffic.exchange(topology, owners, holders, sequences * tokens * row / members, inputs.model.top_k)
  local chain = attention + experts + 2 * move
  local busiest = microbatches * math.max(attention, experts, move)
  return inputs.model.layers * math.max(chain, busiest)
end

---The best number of micro-batches of a phase: its seconds, the number, the runner-up.
local function phase(setting, c, slots, name, tokens)
  local given, best, second = setting.microbatches[name], nil, nil
  for count = given or 1, given or math.min(4, setting.batch // c.groups) do
    local one = { count = count, seconds = M.step(setting, c, slots, tokens, count) }
    if not best or one.seconds < best.seconds then
      best, second = one, best
    elseif not second or one.seconds < second.seconds then
      second = one
    end
  end
  return best, second
end

---Estimated seconds of a wave: one prefill, then decoding up to the context.
---@param setting Setting
---@param c Candidate
---@param check_memory boolean refuse what would not fit
---@return number? seconds nil: not possible
---@return any plan {prefill, decode, second} or the reason
function M.wave(setting, c, check_memory)
  local obstacle = M.obstacle(setting, c)
  if obstacle then
    return nil, obstacle
  end
  local slots = place.slots(setting.block, c.attention, c.experts, c.placement)
  local held = math.max(table.unpack(M.counts(setting, c.experts)))
  local need_attention, need_experts = roofline.resident(setting.inputs,
    split.ceil(c.attention, c.groups), split.ceil(setting.batch, c.groups), held)
  local fits = need_attention <= slots[1].kind.gpu.memory and need_experts <= slots[#slots].kind.gpu.memory
  if check_memory and not fits then
    return nil, "no division of the GPUs holds the weights and the KV cache; use more GPUs or a smaller batch"
  end
  local workload = setting.inputs.workload
  local prefill, prefill_second = phase(setting, c, slots, "prefill", workload.prefill)
  local decode, decode_second = phase(setting, c, slots, "decode", 1)
  local steps = math.max(1, workload.context - workload.prefill)
  return prefill.seconds + steps * decode.seconds, {
    prefill = prefill, prefill_second = prefill_second,
    decode = decode, decode_second = decode_second,
  }
end

return M
