--- From the options of a separation to one candidate: what is given stands, the rest is what the
--- estimate finds best; each choice with its reason and runner-up.
local roofline = require("lib.roofline")
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
local function choices(options, ranks, attention, ways)
  local every = {}
  for count = 1, ranks - 1, math.max(1, ranks // 64) do -- large clusters are tried in larger steps
    every[#every + 1] = count
  end
  return {
    { name = "attention", values = attention and { attention } or every },
    {
      name = "groups",
      values = options.groups and { options.groups } or function(c)
        return divisors(c.attention)
      end,
    },
    {
      name = "placement",
      values = options.placement and { options.placement } or { "spread", "packed" },
    },
    {
      name = "output",
      values = options.output and options.output ~= "best" and { options.output }
        or { "hierarchical", "flat", "sharded" },
    },
    { name = "shared", values = ways },
  }
end

local function explain(list, label, value, given, found, other)
  local reason, runner_up = "as asked for", nil
  if not given then
    local tie = other and other.score == found
    reason = tie and "estimated to be no slower than others: " or "estimated to be fastest: "
    reason = reason .. why.time(found) .. " a wave"
    runner_up = other and string.format("%s: %s", other.value, why.time(other.score))
  end
  why.add(list, label .. " " .. value, reason, runner_up, 2)
end

local function explain_microbatches(list, phase, given, best, second)
  local reason, runner_up = "as asked for", nil
  if not given then
    reason = "estimated to be fastest: " .. why.time(best.seconds) .. " a step"
    runner_up = second and string.format("%d: %s", second.count, why.time(second.seconds))
  end
  why.add(list, phase .. " micro-batches " .. best.count, reason, runner_up, 2)
end

local function explain_embedding(list, given, inputs)
  local reason = "as asked for"
  if not given then
    local bytes = inputs.model.vocabulary * inputs.model.hidden * roofline.element(inputs.workload)
    reason = string.format(
      "spares a sum over the group before the first layer, for %d MiB a rank", bytes >> 20)
  end
  why.add(list, "embedding " .. (given or "copied"), reason, not given and "split" or nil, 2)
end

local function explain_modes(list, given, modes)
  local reasons = {
    prefill = "windows of full size would cross to every expert rank, and counts are cheap beside rows",
    decode = "rows are few, and moves of fixed size can be captured in a CUDA graph",
  }
  for _, phase in ipairs({ "prefill", "decode" }) do
    local mode = modes[phase]
    local other = mode == "exact" and "padded" or "exact"
    why.add(list, phase .. " moves " .. mode, given and "as asked for" or reasons[phase],
      not given and other or nil, 2)
  end
end

---@param inputs table
---@param options table of ma-separation
---@param ways string[] where the feed-forward beside experts may lie
---@return table? found {candidate, setting, microbatches, embedding, why}
---@return string? reason
function M.separation(inputs, options, ways)
  local setting, reason = setting_of.read(inputs, options)
  if not setting then
    return nil, reason
  end
  local ranks, attention = setting_of.ranks(options, #setting.block, setting.counts)
  if not ranks then
    return nil, attention
  end
  local found
  found, reason = search.best(choices(options, ranks, attention, ways), function(c)
    c.experts = ranks - c.attention
    return separation.wave(setting, c, not attention)
  end)
  if not found then
    return nil, reason
  end
  local candidate, extra, list = found.best, found.extra, {}
  local score, others = found.score, found.others
  candidate.experts = ranks - candidate.attention
  explain(list, "attention ranks", candidate.attention, attention, score, others.attention)
  explain(list, "request groups", candidate.groups, options.groups, score, others.groups)
  explain(list, "placement", candidate.placement, options.placement, score, others.placement)
  if options.output ~= "best" then
    explain(list, "output", candidate.output, options.output, score, others.output)
  end
  for _, phase in ipairs({ "prefill", "decode" }) do
    local given = setting.microbatches[phase]
    explain_microbatches(list, phase, given, extra[phase], extra[phase .. "_second"])
  end
  explain_modes(list, options.moves, setting.modes)
  explain_embedding(list, options.embedding, inputs)
  return {
    candidate = candidate,
    setting = setting,
    microbatches = { prefill = extra.prefill.count, decode = extra.decode.count },
    embedding = options.embedding or "copied",
    why = list,
  }
end

return M
