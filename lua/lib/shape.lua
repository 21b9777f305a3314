--- Plans in which every rank does attention and holds experts (together.lua): their options, and which are legal.
local holders = require("lib.holders")
local outputs = require("lib.outputs")
local shared = require("lib.shared")
local split = require("lib.split")
local ways = require("lib.ways")

local M = {}

---Where these plans may put the feed-forward beside experts.
M.shared = { "attention", "experts" }

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
    shared.option(M.shared),
  }) do
    own[#own + 1] = option
  end
  return own
end

---@class Shape
---@field stages integer of the pipeline
---@field groups integer request groups of a copy
---@field members integer ranks of a group in a stage

---Parts of the batch of each phase.
---@param options table
---@return {prefill: integer, decode: integer}
function M.microbatches(options)
  return {
    prefill = options.prefill_microbatches or options.microbatches,
    decode = options.decode_microbatches or options.microbatches,
  }
end

---Exact where rows are many, of a fixed size where few.
---@param options table
---@return table<string, "padded"|"exact">
function M.modes(options)
  return { prefill = options.moves or "exact", decode = options.moves or "padded" }
end

---Why there is no plan of this shape, or nil.
---@param inputs table
---@param options table
---@param shape Shape
---@return string?
function M.obstacle(inputs, options, shape)
  local model, batch = inputs.model, split.ceil(inputs.workload.batch, options.dp)
  local microbatches = M.microbatches(options)
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
  elseif shape.members > model.vocabulary then
    return string.format("%d ranks are more than the %d vocabulary entries", shape.members, model.vocabulary)
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
  return shape.groups > 1 and ways.obstacle(options.exchange or "direct", M.modes(options)) or nil
end

return M
