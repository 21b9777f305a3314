--- Plans in which every rank does attention and holds experts: request groups of equal purpose, the
--- experts dealt over the same groups.
local holders = require("lib.holders")
local moves = require("lib.moves")
local order = require("orders.serial")
local place = require("lib.place")
local split = require("lib.split")
local steps = require("lib.steps")

local M = {}

---Options that all strategies of this kind have.
---@param own table[] further options, which come first
---@return table[]
function M.options(own)
  for _, option in ipairs({
    { name = "dp", type = "integer", default = 1, doc = "data-parallel copies" },
    { name = "microbatches", type = "integer", default = 1, doc = "of both phases" },
    {
      name = "output",
      type = "choice",
      values = { "flat", "hierarchical", "sharded" },
      default = "flat",
      doc = "how partial outputs of a group are summed",
    },
    {
      name = "moves",
      type = "choice",
      values = { "padded", "exact" },
      doc = "a fixed size, or counts first; default: exact in prefill, padded in decode",
    },
    { name = "chunk", type = "integer", default = 0, doc = "tokens a transfer; 0: all at once" },
    { name = "in_flight", type = "integer", default = 1, doc = "transfers at most under way per pair" },
    { name = "embedding", type = "choice", values = { "copied", "split" }, default = "copied",
      doc = "over a group's members" },
  }) do
    own[#own + 1] = option
  end
  return own
end

local function obstacle(inputs, options, groups, members)
  local model, batch = inputs.model, split.ceil(inputs.workload.batch, options.dp)
  local ranks, gpus = groups * members, #inputs.topology.slots // options.dp
  if groups < 1 or members < 1 or options.dp < 1 then
    return "degrees must be 1 or more"
  elseif ranks > gpus then
    return string.format("%d ranks a copy do not fit on the %d GPUs that each of %d copies has",
      ranks, gpus, options.dp)
  elseif members > model.heads then
    return string.format("%d ranks are more than the %d query heads, so some would hold nothing",
      members, model.heads)
  elseif members > model.expert_hidden then
    return string.format("%d ranks are more than the %d columns of an expert", members,
      model.expert_hidden)
  elseif groups > batch then
    return string.format("%d request groups share %d requests, so some would have none", groups, batch)
  elseif options.microbatches < 1 or options.microbatches > batch // groups then
    return string.format("%d micro-batches of the %d requests of a group would leave some empty",
      options.microbatches, batch // groups)
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

---@param inputs table model, topology, workload
---@param options table as M.options declares
---@param groups integer request groups of a copy
---@param members integer ranks of a group
---@param why table[]
---@return table? plan
---@return string? reason
function M.plan(inputs, options, groups, members, why)
  local reason = obstacle(inputs, options, groups, members)
  if reason then
    return nil, reason
  end
  local model, workload, count = inputs.model, inputs.workload, groups * members
  local ranks, idle = place.ranks(inputs.topology, options.dp, function(block)
    return table.move(block, 1, count, 1, {})
  end)
  local list = holders.groups(model, count, groups, split.ceil(workload.batch, options.dp))
  local all = {}
  for rank = 0, count - 1 do
    all[rank + 1] = rank
  end
  local modes = { prefill = options.moves or "exact", decode = options.moves or "padded" }
  local microbatches = { prefill = options.microbatches, decode = options.microbatches }
  return {
    copies = options.dp,
    ranks_per_copy = count,
    ranks = ranks,
    idle = idle,
    stages = {
      {
        layers = { 0, model.layers },
        attention = list,
        experts = holders.dealt(model, blocks_of(list)),
      },
    },
    embedding = holders.vocabulary(model, list, options.embedding == "copied"),
    head = holders.vocabulary(model, list, false),
    steps = steps.inference(workload, microbatches, function(m)
      return { { ranks = all, loops = order.all(model.layers, m) } }
    end, function(phase)
      return moves.of(list, ranks, {
        output = options.output,
        embedding = options.embedding,
        mode = modes[phase],
        chunk = options.chunk,
        in_flight = options.in_flight,
        coincide = groups == 1,
      })
    end),
    residual = require("collectives." .. options.output).sharded and members > 1 and "sharded"
      or "replicated",
    replica_choice = "nearest",
    why = why,
  }
end

return M
