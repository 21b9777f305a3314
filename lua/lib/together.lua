--- Plans in which every rank does attention and holds experts: request groups of equal purpose, the
--- experts dealt over the same groups.
local best = require("lib.best")
local holders = require("lib.holders")
local moves = require("lib.moves")
local outputs = require("lib.outputs")
local pipeline = require("orders.pipeline")
local place = require("lib.place")
local serial = require("orders.serial")
local split = require("lib.split")
local steps = require("lib.steps")
local ways = require("lib.ways")

local M = {}

---Options about the parts of the batch.
---@param own table[] further options, which come first
---@return table[]
function M.parts(own)
  return table.move({
    { name = "microbatches", type = "integer", default = 1, doc = "of both phases" },
    { name = "prefill_microbatches", type = "integer", doc = "of prefill" },
    { name = "decode_microbatches", type = "integer", doc = "of decode" },
  }, 1, 3, #own + 1, own)
end

---Options that all strategies of this kind have.
---@param own table[] further options, which come first
---@return table[]
function M.options(own)
  own[#own + 1] = { name = "dp", type = "integer", default = 1, doc = "data-parallel copies" }
  M.parts(own)
  for _, option in ipairs({
    outputs.option("flat"),
    {
      name = "moves",
      type = "choice",
      values = { "padded", "exact" },
      doc = "a fixed size, or counts first; default: exact in prefill, padded in decode",
    },
    ways.option(),
    { name = "chunk", type = "integer", default = 0, doc = "tokens a transfer; 0: all at once" },
    { name = "in_flight", type = "integer", default = 1, doc = "transfers at most under way per pair" },
    { name = "embedding", type = "choice", values = { "copied", "split" }, default = "copied",
      doc = "over a group's members" },
  }) do
    own[#own + 1] = option
  end
  return own
end

---@class Shape
---@field stages integer of the pipeline
---@field groups integer request groups of a copy
---@field members integer ranks of a group in a stage

local function microbatches_of(options)
  return {
    prefill = options.prefill_microbatches or options.microbatches,
    decode = options.decode_microbatches or options.microbatches,
  }
end

local function obstacle(inputs, options, shape)
  local model, batch = inputs.model, split.ceil(inputs.workload.batch, options.dp)
  local microbatches = microbatches_of(options)
  local least = math.min(microbatches.prefill, microbatches.decode)
  local most = math.max(microbatches.prefill, microbatches.decode)
  local ranks = shape.stages * shape.groups * shape.members
  local gpus = #inputs.topology.slots // options.dp
  if ranks > gpus then
    return string.format("%d ranks a copy do not fit on the %d GPUs that each of %d copies has",
      ranks, gpus, options.dp)
  elseif shape.stages > model.layers then
    return string.format("%d stages are more than the %d layers", shape.stages, model.layers)
  elseif shape.members > model.heads then
    return string.format("%d ranks are more than the %d query heads, so some would hold nothing",
      shape.members, model.heads)
  elseif shape.members > model.expert_hidden then
    return string.format("%d ranks are more than the %d columns of an expert", shape.members,
      model.expert_hidden)
  elseif shape.members > holders.most_members(model) then
    return string.format("%d ranks are more than the %d columns of a feed-forward that all tokens pass",
      shape.members, holders.most_members(model))
  elseif shape.groups > batch then
    return string.format("%d request groups share %d requests, so some would have none",
      shape.groups, batch)
  elseif least < 1 or most > batch // shape.groups then
    return string.format("%d micro-batches of the %d requests of a group would leave some empty",
      least < 1 and least or most, batch // shape.groups)
  elseif options.chunk < 0 or options.in_flight < 1 then
    return "chunk must be 0 or more, in_flight 1 or more"
  end
end

local function blocks_of(groups)
  local blocks = {}
  for g, group in ipairs(groups) do
    blocks[g] = {}
    for j, member in ipairs(group.members) do
      blocks[g][j] = member.rank
    end
  end
  return blocks
end

---Ranks of each stage, stage by stage; layers as evenly as they go, the first stages longer.
local function stages_of(model, shape, batch)
  local stages, size = {}, shape.groups * shape.members
  for s, layers in ipairs(split.ranges(split.descending(model.layers, shape.stages))) do
    local groups = holders.groups(model, size, shape.groups, batch, (s - 1) * size)
    stages[s] = {
      layers = layers,
      attention = groups,
      ffn = holders.ffn(model, groups, layers),
      experts = holders.dealt(model, blocks_of(groups), layers),
    }
  end
  return stages
end

local function orders_of(model, stages, microbatches)
  local orders = {}
  for s, stage in ipairs(stages) do
    local ranks = {}
    for _, block in ipairs(blocks_of(stage.attention)) do
      table.move(block, 1, #block, #ranks + 1, ranks)
    end
    local loops = #stages == 1 and serial.all(model.layers, microbatches)
      or pipeline.stage(stage.layers, microbatches, s == 1, s == #stages)
    orders[s] = { ranks = ranks, loops = loops }
  end
  return orders
end

---Exact where rows are many, of a fixed size where few.
local function modes_of(options)
  return { prefill = options.moves or "exact", decode = options.moves or "padded" }
end

---The plan of a legal shape. `output`: a collective's name, or one for each phase.
local function plan_of(inputs, options, shape, output, why)
  local model, workload = inputs.model, inputs.workload
  local count = shape.stages * shape.groups * shape.members
  local ranks, idle = place.ranks(inputs.topology, options.dp, function(block)
    return table.move(block, 1, count, 1, {})
  end)
  local stages = stages_of(model, shape, split.ceil(workload.batch, options.dp))
  local all = {}
  for _, stage in ipairs(stages) do
    table.move(stage.attention, 1, #stage.attention, #all + 1, all)
  end
  local modes = modes_of(options)
  local microbatches = microbatches_of(options)
  return {
    copies = options.dp,
    ranks_per_copy = count,
    ranks = ranks,
    idle = idle,
    stages = stages,
    embedding = holders.vocabulary(model, stages[1].attention, options.embedding == "copied"),
    head = holders.vocabulary(model, stages[#stages].attention, false),
    steps = steps.inference(workload, microbatches, function(m)
      return orders_of(model, stages, m)
    end, function(phase)
      return moves.of(all, ranks, {
        output = outputs.of(output, phase),
        embedding = options.embedding,
        mode = modes[phase],
        chunk = options.chunk,
        in_flight = options.in_flight,
        exchange = options.exchange,
        stages = stages,
        ranks_per_copy = count,
        coincide = shape.groups == 1,
        ffn = model.dense_hidden > 0 or model.shared_hidden > 0,
        handover = shape.stages > 1,
      })
    end),
    residual = outputs.shards(output) and shape.members > 1 and "sharded" or "replicated",
    replica_choice = "nearest",
    why = why,
  }
end

---@param inputs table model, topology, workload
---@param options table as M.options declares
---@param shape Shape
---@param why table[]
---@param price PriceFunction? asked where output=best
---@return table? plan
---@return string? reason
function M.plan(inputs, options, shape, why, price)
  if math.min(shape.stages, shape.groups, shape.members, options.dp) < 1 then
    return nil, "degrees must be 1 or more"
  end
  local reason = obstacle(inputs, options, shape)
    or (shape.groups > 1 and ways.obstacle(options.exchange or "direct", modes_of(options)))
  if reason then
    return nil, reason
  elseif options.output ~= "best" or shape.members == 1 then
    return plan_of(inputs, options, shape, options.output == "best" and "flat" or options.output, why)
  end
  return best.plan(function(output, reasons)
    return plan_of(inputs, options, shape, output, reasons)
  end, price, why)
end

return M
