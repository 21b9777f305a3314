--- From the options of a separation to one candidate: what is given stands, the rest is what the estimate
--- finds best; each choice with its reason and runner-up.
local roofline = require("cost.roofline")
local search = require("lib.search")
local separation = require("lib.separation")
local setting_of = require("lib.setting")
local why = require("lib.why")

local M = {}

local function divisors(n)
  local list = {}
  for k = 1, n do
    list[#list + 1] = n % k == 0 and k or nil
  end
  return list
end

---What may be chosen, each a list of one where it is given.
local function choices(options, ranks, attention)
  local every = {}
  for count = 1, ranks - 1, math.max(1, ranks // 64) do -- large clusters are tried in larger steps
    every[#every + 1] = count
  end
  return {
    { name = "attention", values = attention and { attention } or every },
    { name = "groups", values = options.groups and { options.groups } or function(c)
      return divisors(c.attention)
    end },
    { name = "placement", values = options.placement and { options.placement } or { "spread", "packed" } },
    { name = "output", values = options.output and { options.output } or { "hierarchical", "flat", "sharded" } },
  }
end

local function explain(list, label, value, given, found, other)
  if given then
    return why.add(list, label .. " " .. value, "as asked for")
  end
  local tie = other and other.score == found
  why.add(list, label .. " " .. value,
    (tie and "estimated to be no slower than others: " or "estimated to be fastest: ") .. why.time(found) .. " a wave",
    other and string.format("%s: %s", other.value, why.time(other.score)))
end

local function explain_microbatches(list, phase, given, best, second)
  if given then
    return why.add(list, phase .. " micro-batches " .. best.count, "as asked for")
  end
  why.add(list, phase .. " micro-batches " .. best.count,
    "estimated to be fastest: " .. why.time(best.seconds) .. " a step",
    second and string.format("%d: %s", second.count, why.time(second.seconds)))
end

local function explain_embedding(list, options, inputs)
  if options.embedding then
    return why.add(list, "embedding " .. options.embedding, "as asked for")
  end
  local bytes = inputs.model.vocabulary * inputs.model.hidden * roofline.element(inputs.workload)
  why.add(list, "embedding copied",
    string.format("spares a sum over the group before the first layer, for %d MiB a rank", bytes >> 20), "split")
end

---@param inputs table
---@param options table of ma-separation
---@return table? found {candidate, setting, microbatches, embedding, why}
---@return string? reason
function M.separation(inputs, options)
  local setting, reason = setting_of.read(inputs, options)
  if not setting then
    return nil, reason
  end
  local ranks, attention = setting_of.ranks(options, #setting.block, setting.counts)
  if not ranks then
    return nil, attention
  end
  local found
  found, reason = search.best(choices(options, ranks, attention), function(c)
    c.experts = ranks - c.attention
    return separation.wave(setting, c, not attention)
  end)
  if not found then
    return nil, reason
  end
  local candidate, extra, list = found.best, found.extra, {}
  candidate.experts = ranks - candidate.attention
  local others = found.others
  explain(list, "attention ranks", candidate.attention, attention, found.score, others.attention)
  explain(list, "request groups", candidate.groups, options.groups, found.score, others.groups)
  explain(list, "placement", candidate.placement, options.placement, found.score, others.placement)
  explain(list, "output", candidate.output, options.output, found.score, others.output)
  for _, phase in ipairs({ "prefill", "decode" }) do
    explain_microbatches(list, phase, setting.microbatches[phase], extra[phase], extra[phase .. "_second"])
  end
  explain_embedding(list, options, inputs)
  return {
    candidate = candidate,
    setting = setting,
    microbatches = { prefill = extra.prefill.count, decode = extra.decode.count },
    embedding = options.embedding or "copied",
    why = list,
  }
end

return M
