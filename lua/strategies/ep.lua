--- ep: request groups of tp ranks each (one by default); the experts of a layer are dealt over the groups: one
--- to each where they are as many, several where experts are more, replicas where groups are.
local shapes = require("lib.shape")
local together = require("lib.together")
local why = require("lib.why")

local M = {
  name = "ep",
  doc = "expert parallelism: requests split over ranks, experts dealt over the same ranks",
  options = shapes.options({
    { name = "ep", type = "integer", doc = "groups of a copy; default: all GPUs / (dp x tp)" },
    { name = "tp", type = "integer", default = 1, doc = "ranks of a group, which split heads and columns" },
  }),
}

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction?
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  local reasons, model = {}, inputs.model
  local given, tp = options.ep, math.max(1, options.tp)
  local groups = given or #inputs.topology.slots // (math.max(1, options.dp) * tp)
  why.add(reasons, "ep " .. groups, given and "as asked for" or "all GPUs of a copy")
  if groups > model.experts then
    why.add(reasons, "replicas of experts",
      string.format("%d groups are more than the %d experts", groups, model.experts))
  end
  return together.plan(inputs, options, { stages = 1, groups = groups, members = options.tp }, reasons, price)
end

return M
