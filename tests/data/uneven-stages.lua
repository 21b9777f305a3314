--- uneven-stages: a pipeline of three stages, the middle one of a single layer, whose request groups have different
--- sizes. For tests: rows are handed over between groups that divide them in different ways, or not at all.
local holders = require("lib.holders")
local moves = require("lib.moves")
local pipeline = require("orders.pipeline")
local place = require("lib.place")
local steps = require("lib.steps")

local M = {
  name = "uneven-stages",
  doc = "three stages of a, b and c members a group",
  options = {
    { name = "a", type = "integer", default = 2, doc = "members of a group in the first stage" },
    { name = "b", type = "integer", default = 3, doc = "in the second" },
    { name = "c", type = "integer", default = 1, doc = "in the third" },
    { name = "groups", type = "integer", default = 1, doc = "request groups" },
    { name = "microbatches", type = "integer", default = 2, doc = "of both phases" },
    { name = "residual", type = "choice", values = { "replicated", "sharded" }, default = "replicated",
      doc = "over a group; sharded sums by reduce-scatter" },
  },
}

local function ranks_of(groups)
  local blocks, all = {}, {}
  for g, group in ipairs(groups) do
    blocks[g] = {}
    for j, member in ipairs(group.members) do
      blocks[g][j] = member.rank
      all[#all + 1] = member.rank
    end
  end
  return blocks, all
end

function M.plan(inputs, options)
  local model, stages, groups, orders, first = inputs.model, {}, {}, {}, 0
  local layers = { { 0, 1 }, { 1, 2 }, { 2, model.layers } }
  for s, members in ipairs({ options.a, options.b, options.c }) do
    local size = members * options.groups
    local attention = holders.groups(model, size, options.groups, inputs.workload.batch, first)
    local blocks, all = ranks_of(attention)
    stages[s] = {
      layers = layers[s],
      attention = attention,
      ffn = holders.ffn(model, attention, layers[s]),
      experts = holders.dealt(model, blocks, layers[s]),
    }
    orders[s] = { ranks = all, loops = pipeline.stage(layers[s], options.microbatches, s == 1, s == 3) }
    table.move(attention, 1, #attention, #groups + 1, groups)
    first = first + size
  end
  local ranks, idle = place.ranks(inputs.topology, 1, function(slots)
    return table.move(slots, 1, first, 1, {})
  end)
  local microbatches = { prefill = options.microbatches, decode = options.microbatches }
  return {
    copies = 1,
    ranks_per_copy = first,
    ranks = ranks,
    idle = idle,
    stages = stages,
    embedding = holders.vocabulary(model, stages[1].attention, true),
    head = holders.vocabulary(model, stages[3].attention, false),
    steps = steps.inference(inputs.workload, microbatches, function()
      return orders
    end, function()
      return moves.of(groups, ranks, {
        output = options.residual == "sharded" and "sharded" or "flat",
        embedding = "copied",
        mode = "padded",
        chunk = 0,
        in_flight = 1,
        coincide = options.groups == 1,
        ffn = model.dense_hidden > 0 or model.shared_hidden > 0,
        norm = model.qk_norm == "full",
        handover = true,
      })
    end),
    residual = options.residual,
    replica_choice = "nearest",
    why = {},
  }
end

return M
