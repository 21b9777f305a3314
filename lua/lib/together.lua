--- Plans in which every rank does attention and holds experts: request groups of equal purpose, the
--- experts dealt over the same groups.
local best = require("lib.best")
local holders = require("lib.holders")
local moves = require("lib.moves")
local outputs = require("lib.outputs")
local pipeline = require("orders.pipeline")
local place = require("lib.place")
local serial = require("orders.serial")
local shared = require("lib.shared")
local shapes = require("lib.shape")
local split = require("lib.split")
local steps = require("lib.steps")

local M = {}

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
local function stages_of(model, shape, batch, way)
  local stages, size = {}, shape.groups * shape.members
  for s, layers in ipairs(split.ranges(split.descending(model.layers, shape.stages))) do
    local groups = holders.groups(model, size, shape.groups, batch, (s - 1) * size)
    stages[s] = {
      layers = layers,
      attention = groups,
      ffn = holders.ffn(model, groups, layers, way),
      experts = holders.dealt(model, blocks_of(groups), layers),
    }
    if way == "experts" then
      holders.shared(model, blocks_of(groups), layers, stages[s].experts)
    end
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

---The plan of a legal shape. `output`: a collective's name, or one for each phase; `way`: of shared.lua.
local function plan_of(inputs, options, shape, output, way, why)
  local model, workload = inputs.model, inputs.workload
  local count = shape.stages * shape.groups * shape.members
  local ranks, idle = place.ranks(inputs.topology, options.dp, function(block)
    return table.move(block, 1, count, 1, {})
  end)
  local stages = stages_of(model, shape, split.ceil(workload.batch, options.dp), way)
  local all = {}
  for _, stage in ipairs(stages) do
    table.move(stage.attention, 1, #stage.attention, #all + 1, all)
  end
  local modes = shapes.modes(options)
  local microbatches = shapes.microbatches(options)
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
        ffn = model.dense_hidden > 0 or (model.shared_hidden > 0 and way == "attention"),
        norm = model.qk_norm == "full",
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
  local reason = shapes.obstacle(inputs, options, shape)
  if reason then
    return nil, reason
  end
  local alone = shape.groups * shape.members == 1 -- nothing is cut or sent: it is as good where it is
  local open = alone and options.shared == "auto" and { "attention" }
    or shared.open(inputs.model, options.shared, shapes.shared)
  return shared.plan(inputs, open, function(way, reasons, probing)
    if options.output ~= "best" or shape.members == 1 or probing then
      return plan_of(inputs, options, shape, options.output == "best" and "flat" or options.output, way, reasons)
    end
    return best.plan(function(output, list)
      return plan_of(inputs, options, shape, output, way, list)
    end, price, reasons)
  end, price, why)
end

return M
