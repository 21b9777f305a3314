--- What the options of a separation fix before anything is chosen.
local place = require("lib.place")
local split = require("lib.split")

local M = {}

---"6+5+5" as counts that add up to all experts, or nil and a reason.
local function read_balance(text, experts)
  local counts, total = {}, 0
  for part in (text .. "+"):gmatch("([^+]*)%+") do
    local count = part:match("^%d+$") and math.tointeger(tonumber(part))
    if not count or count < 1 then
      return nil, string.format("balance=%s: write even, or counts such as 6+5+5", text)
    end
    counts[#counts + 1], total = count, total + count
  end
  if total ~= experts then
    return nil, string.format("balance=%s adds up to %d of the %d experts", text, total, experts)
  end
  return counts
end

---The ranks of a copy and what is fixed about their division, or nil and a reason.
function M.ranks(options, available, counts)
  local attention, experts = options.attention, options.experts or (counts and #counts)
  local ranks = options.ranks or (attention and experts and attention + experts) or available
  if ranks > available then
    return nil, string.format(
      "%d ranks a copy do not fit on the %d GPUs that each of %d copies has; use fewer ranks or a "
        .. "larger cluster", ranks, available, options.dp)
  elseif ranks < 2 then
    return nil, "separation needs two GPUs a copy at least; use strategy single"
  elseif attention and experts and attention + experts ~= ranks then
    return nil,
      string.format("attention=%d and experts=%d do not make ranks=%d", attention, experts, ranks)
  elseif counts and experts ~= #counts then
    return nil, string.format("balance names %d expert ranks, experts=%d", #counts, experts)
  end
  attention = attention or (experts and ranks - experts)
  if attention and (attention < 1 or attention >= ranks) then
    return nil, "it needs at least one attention rank and one expert rank"
  end
  return ranks, attention
end

---@return Setting?
---@return string? reason
function M.read(inputs, options)
  local slots, batch = inputs.topology.slots, inputs.workload.batch
  if options.dp < 1 or options.dp > #slots or options.dp > batch then
    return nil, string.format("dp=%d copies of %d GPUs and %d requests", options.dp, #slots, batch)
  elseif options.chunk < 0 or options.in_flight < 1 then
    return nil, "chunk must be 0 or more, in_flight 1 or more"
  end
  local counts, reason
  if options.balance ~= "even" then
    counts, reason = read_balance(options.balance, inputs.model.experts)
    if not counts then
      return nil, reason
    end
  end
  return {
    inputs = inputs,
    block = place.block(slots, options.dp, 0),
    batch = split.ceil(batch, options.dp),
    counts = counts,
    microbatches = {
      prefill = options.prefill_microbatches or options.microbatches,
      decode = options.decode_microbatches or options.microbatches,
    },
    modes = { prefill = options.moves or "exact", decode = options.moves or "padded" },
  }
end

return M
