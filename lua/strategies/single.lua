--- single: one rank holds the whole model.
local holders = require("lib.holders")
local moves = require("lib.moves")
local order = require("orders.serial")
local place = require("lib.place")
local split = require("lib.split")
local steps = require("lib.steps")
local why = require("lib.why")

local M = {
  name = "single",
  doc = "one rank, one request group, every expert",
  options = {
    { name = "microbatches", type = "integer", default = 1, doc = "parts of the batch" },
  },
}

---@param inputs table model, topology, workload
---@param options table
---@return table? plan
---@return string? reason
function M.plan(inputs, options)
  local model, workload, count = inputs.model, inputs.workload, options.microbatches
  if count < 1 or count > workload.batch then
    return nil,
      string.format("%d micro-batches of %d requests would leave some empty", count, workload.batch)
  end
  local function choose(block)
    return { block[1] }
  end
  local ranks, idle = place.ranks(inputs.topology, 1, choose)
  local groups = holders.groups(model, 1, 1, workload.batch)
  local reasons = {}
  why.add(reasons, "one rank", "strategy single", "ma-separation")
  return {
    copies = 1,
    ranks_per_copy = 1,
    ranks = ranks,
    idle = idle,
    stages = {
      {
        layers = { 0, model.layers },
        attention = groups,
        experts = holders.experts(model, split.descending(model.experts, 1), 0),
      },
    },
    embedding = holders.vocabulary(model, groups, true),
    head = holders.vocabulary(model, groups, true),
    steps = steps.inference(workload, { prefill = count, decode = count }, function(microbatches)
      return { { ranks = { 0 }, loops = order.all(model.layers, microbatches) } }
    end, function()
      return moves.of(groups, ranks, {
        output = "flat", embedding = "copied", mode = "padded", chunk = 0, in_flight = 1,
      })
    end),
    residual = "replicated",
    replica_choice = "nearest",
    why = reasons,
  }
end

return M
