--- tp: one request group; every matrix is cut over its members: heads, vocabulary, columns of experts.
local shapes = require("lib.shape")
local together = require("lib.together")
local why = require("lib.why")

local M = {
  name = "tp",
  doc = "tensor parallelism: heads, vocabulary and expert columns cut over the ranks of a copy",
  options = shapes.options({
    { name = "tp", type = "integer", doc = "ranks of a copy; default: all GPUs / dp" },
  }),
}

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction?
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  local reasons = {}
  local given = options.tp
  local ranks = given or #inputs.topology.slots // math.max(1, options.dp)
  why.add(reasons, "tp " .. ranks, given and "as asked for" or "all GPUs of a copy")
  return together.plan(inputs, options, { stages = 1, groups = 1, members = ranks }, reasons, price)
end

return M
