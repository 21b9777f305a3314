--- pp: stages of consecutive layers, one rank each; several micro-batches are under way at a time.
local shapes = require("lib.shape")
local together = require("lib.together")
local why = require("lib.why")

local M = {
  name = "pp",
  doc = "pipeline parallelism: consecutive layers on each rank of a copy",
  options = shapes.options({
    { name = "pp", type = "integer", doc = "stages of a copy; default: all GPUs / dp, at most the layers" },
  }),
}

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction?
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  local reasons = {}
  local gpus = #inputs.topology.slots // math.max(1, options.dp)
  local stages = options.pp or math.min(gpus, inputs.model.layers)
  why.add(reasons, "pp " .. stages,
    options.pp and "as asked for" or "all GPUs of a copy, at most a stage a layer")
  return together.plan(inputs, options, { stages = stages, groups = 1, members = 1 }, reasons, price)
end

return M
