--- single: one rank holds the whole model.
local shapes = require("lib.shape")
local together = require("lib.together")
local why = require("lib.why")

local M = {
  name = "single",
  doc = "one rank, one request group, every expert",
  options = shapes.parts({}),
}

---@param inputs table model, topology, workload
---@param options table
---@return table? plan
---@return string? reason
function M.plan(inputs, options)
  local reasons = {}
  why.add(reasons, "one rank", "strategy single", "ma-separation")
  local rest = { dp = 1, output = "flat", embedding = "copied", chunk = 0, in_flight = 1 }
  for name, value in pairs(options) do
    rest[name] = value
  end
  return together.plan(inputs, rest, { stages = 1, groups = 1, members = 1 }, reasons)
end

return M
