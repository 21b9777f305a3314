--- ma-separation: attention on some ranks, experts on the others. Attention ranks form request
--- groups that split query heads; experts are dealt in consecutive ranges. What is not given is
--- chosen by an estimate.
local best = require("lib.best")
local choose = require("lib.choose")
local feasible = require("lib.feasible")
local holders = require("lib.holders")
local moves = require("lib.moves")
local order = require("orders.alternating")
local outputs = require("lib.outputs")
local place = require("lib.place")
local shared = require("lib.shared")
local steps = require("lib.steps")
local ways = require("lib.ways")

local WAYS <const> = { "attention", "experts", "columns" }

local M = {
  name = "ma-separation",
  doc = "attention on A ranks, experts on the other F",
  options = {
    {
      name = "ranks",
      type = "integer",
      doc = "ranks of a copy; when absent: attention + experts, or all GPUs / dp",
    },
    { name = "dp", type = "integer", default = 1, doc = "data-parallel copies" },
    { name = "attention", type = "integer", doc = "attention ranks of a copy" },
    { name = "experts", type = "integer", doc = "expert ranks of a copy" },
    { name = "groups", type = "integer", doc = "request groups among the attention ranks" },
    { name = "microbatches", type = "integer", doc = "of both phases" },
    { name = "prefill_microbatches", type = "integer", doc = "of prefill" },
    { name = "decode_microbatches", type = "integer", doc = "of decode" },
    {
      name = "placement",
      type = "choice",
      values = { "spread", "packed" },
      doc = "expert ranks on the last GPUs of each node, or of the cluster",
    },
    outputs.option(),
    {
      name = "moves",
      type = "choice",
      values = { "padded", "exact" },
      doc = "a fixed size, or counts first; default: exact in prefill, padded in decode",
    },
    ways.option(),
    { name = "chunk", type = "integer", default = 0, doc = "tokens a transfer; 0: all at once" },
    { name = "in_flight", type = "integer", default = 1, doc = "transfers under way per pair" },
    {
      name = "embedding",
      type = "choice",
      values = { "copied", "split" },
      doc = "over the members of a group",
    },
    shared.option(WAYS),
    {
      name = "balance",
      type = "text",
      default = "even",
      doc = "experts per expert rank: even, or counts such as 6+5+5",
    },
  },
}

local function ranks_in(first, count)
  local list = {}
  for i = 1, count do
    list[i] = first + i - 1
  end
  return list
end

---All of these ranks as one block, or each as one.
local function blocks(ranks, together)
  if together then
    return { ranks }
  end
  local list = {}
  for i, rank in ipairs(ranks) do
    list[i] = { rank }
  end
  return list
end

---The plan of what was found. `output`: a collective's name, or one for each phase; `way`: of shared.lua.
local function plan_of(inputs, options, found, output, way, why)
  local model, c, setting = inputs.model, found.candidate, found.setting
  local used = c.attention + c.experts
  local ranks, idle = place.ranks(inputs.topology, options.dp, function(block)
    return place.slots(block, c.attention, c.experts, c.placement)
  end)
  local groups = holders.groups(model, c.attention, c.groups, setting.batch)
  local layers = { 0, model.layers }
  local experts = holders.experts(model, feasible.counts(setting, c.experts), c.attention)
  if way ~= "attention" then
    holders.shared(model, blocks(ranks_in(c.attention, c.experts), way == "columns"), layers, experts)
  end
  local stages = {
    { layers = layers, attention = groups, ffn = holders.ffn(model, groups, layers, way), experts = experts },
  }
  return {
    copies = options.dp,
    ranks_per_copy = used,
    ranks = ranks,
    idle = idle,
    stages = stages,
    embedding = holders.vocabulary(model, groups, found.embedding == "copied"),
    head = holders.vocabulary(model, groups, false),
    steps = steps.inference(inputs.workload, found.microbatches, function(microbatches)
      return {
        { ranks = ranks_in(0, c.attention), loops = order.attention(model.layers, microbatches) },
        {
          ranks = ranks_in(c.attention, c.experts),
          loops = order.experts(model.layers, microbatches),
        },
      }
    end, function(phase)
      return moves.of(groups, ranks, {
        output = outputs.of(output, phase),
        embedding = found.embedding,
        mode = found.setting.modes[phase],
        chunk = options.chunk,
        in_flight = options.in_flight,
        ffn = model.dense_hidden > 0 or (model.shared_hidden > 0 and way == "attention"),
        norm = model.qk_norm == "full",
        exchange = options.exchange,
        stages = stages,
        ranks_per_copy = used,
      })
    end),
    residual = outputs.shards(output) and "sharded" or "replicated",
    replica_choice = "nearest",
    why = why,
  }
end

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction? asked where output=best
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  local ways_open = shared.open(inputs.model, options.shared, WAYS)
  local found, reason = choose.separation(inputs, options, ways_open)
  reason = reason or ways.obstacle(options.exchange, found.setting.modes)
  if reason then
    return nil, reason
  end
  return shared.plan(inputs, ways_open, function(way, reasons, probing)
    local sums = found.candidate.groups < found.candidate.attention
    if options.output ~= "best" or not sums or probing then
      return plan_of(inputs, options, found, found.candidate.output, way, reasons)
    end
    return best.plan(function(output, list)
      return plan_of(inputs, options, found, output, way, list)
    end, price, reasons)
  end, price, found.why)
end

return M
