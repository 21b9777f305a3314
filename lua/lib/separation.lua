--- What a separation of attention and experts would cost: the estimate that ranks candidates.
local feasible = require("lib.feasible")
local place = require("lib.place")
local roofline = require("lib.roofline")
local split = require("lib.split")
local traffic = require("lib.traffic")

local M = {}

---Estimated seconds of one step.
---@param setting Setting
---@param c Candidate
---@param owners table[] slots of the attention ranks
---@param holders table[] slots of the expert ranks
---@param name "prefill"|"decode"
---@param tokens integer rows a sequence
---@param microbatches integer
---@return number
function M.step(setting, c, owners, holders, name, tokens, microbatches)
  local inputs, topology = setting.inputs, setting.inputs.topology
  local members = split.ceil(c.attention, c.groups)
  local sequences = split.ceil(split.ceil(setting.batch, c.groups), microbatches)
  local row = inputs.model.hidden * roofline.element(inputs.workload)
  local rows = sequences * tokens -- of a group
  local group = table.move(owners, 1, members, 1, {})
  local attention = feasible.over_gpus(owners, function(gpu)
    return roofline.attention(inputs, gpu, {
      members = members,
      sequences = sequences,
      tokens = tokens,
      context = inputs.workload.context,
    })
  end) + traffic.group(topology, group, rows * row, c.output)
  local held = math.max(table.unpack(feasible.counts(setting, c.experts)))
  local experts = feasible.over_gpus(holders, function(gpu)
    return roofline.experts(inputs, gpu, held, rows * c.groups)
  end)
  local own, beside = roofline.ffn_split(inputs.model, members, c.shared, c.experts)
  local served = c.shared == "columns" and rows * c.groups or rows * c.groups / c.experts
  experts = experts + feasible.over_gpus(holders, function(gpu)
    return roofline.ffn(inputs, gpu, beside, served) / roofline.routed_layers(inputs.model)
  end)
  local owned, mode = rows * row / members, c.shared == "columns" and "padded" or setting.modes[name]
  local more = beside > 0 and 1 or 0
  local dispatch, combine =
    traffic.exchange(topology, owners, holders, owned, inputs.model.top_k + more, mode, held + more)
  local chain = attention + experts + dispatch + combine
  local busiest = microbatches * math.max(attention, experts, dispatch, combine)
  local dense = #inputs.model.dense_layers * attention
  local ffn = feasible.over_gpus(owners, function(gpu)
    return roofline.ffn(inputs, gpu, own, rows)
  end)
  return roofline.routed_layers(inputs.model) * math.max(chain, busiest) + microbatches * (dense + ffn)
end

---The best number of micro-batches of a phase: its seconds, the number, the runner-up.
local function phase(setting, c, owners, holders, name, tokens)
  local given, best, second = setting.microbatches[name], nil, nil
  for count = given or 1, given or math.min(4, setting.batch // c.groups) do
    local seconds = M.step(setting, c, owners, holders, name, tokens, count)
    local one = { count = count, seconds = seconds }
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
---@return integer? lack bytes that are missing, if memory is the reason
function M.wave(setting, c, check_memory)
  local obstacle = feasible.obstacle(setting, c)
  if obstacle then
    return nil, obstacle
  end
  local slots = place.slots(setting.block, c.attention, c.experts, c.placement)
  local owners = table.move(slots, 1, c.attention, 1, {})
  local holders = table.move(slots, c.attention + 1, #slots, 1, {})
  if check_memory then
    local lack, reason = feasible.lack(setting, c, owners, holders)
    if lack > 0 then
      return nil, reason, lack
    end
  end
  local workload = setting.inputs.workload
  local prefill, prefill_second = phase(setting, c, owners, holders, "prefill", workload.prefill)
  local decode, decode_second = phase(setting, c, owners, holders, "decode", 1)
  local steps = math.max(1, workload.context - workload.prefill)
  return prefill.seconds + steps * decode.seconds, {
    prefill = prefill, prefill_second = prefill_second,
    decode = decode, decode_second = decode_second,
  }
end

return M
