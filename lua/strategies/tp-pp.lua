--- tp-pp: stages of consecutive layers, each on a group of ranks that cut every matrix between them.
local shapes = require("lib.shape")
local together = require("lib.together")
local why = require("lib.why")

local M = {
  name = "tp-pp",
  doc = "tensor parallelism within the stages of a pipeline",
  options = shapes.options({
    { name = "tp", type = "integer", doc = "ranks of a stage; default: those of a node" },
    { name = "pp", type = "integer", doc = "stages of a copy; default: all GPUs / (dp x tp), at most the layers" },
  }),
}

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction?
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  local reasons, slots = {}, inputs.topology.slots
  local gpus = #slots // math.max(1, options.dp)
  local tp = options.tp or math.min(slots[1].kind.gpus or 1, gpus, inputs.model.heads)
  local stages = options.pp or math.min(math.max(1, gpus // math.max(1, tp)), inputs.model.layers)
  why.add(reasons, "tp " .. tp, options.tp and "as asked for" or "the GPUs of a node")
  why.add(reasons, "pp " .. stages,
    options.pp and "as asked for" or "all GPUs of a copy, at most a stage a layer")
  return together.plan(inputs, options, { stages = stages, groups = 1, members = tp }, reasons, price)
end

return M
