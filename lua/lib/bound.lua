--- What no plan of a shape can do better than: seconds of its busiest rank if nothing were ever
--- inefficient or moved, and the bytes of its fullest rank if it held weights and cache alone.
local roofline = require("lib.roofline")
local split = require("lib.split")

local M = {}

---@class BoundShape
---@field copies integer
---@field stages integer
---@field groups integer request groups of a copy
---@field members integer ranks of a group, at most, in a stage
---@field experts integer? expert ranks of a copy where these do nothing else
---@field shared string? where the feed-forward beside experts lies, if these are
---@field microbatches {prefill: integer, decode: integer}

---The best figures of any GPU: a bound must hold wherever ranks are put.
local function best_gpu(inputs)
  local peak, bandwidth, memory = 0, 0, 0
  for _, slot in ipairs(inputs.topology.slots) do
    local gpu = slot.kind.gpu
    peak = math.max(peak, inputs.workload.dtype == "f32" and gpu.flops_f32 or gpu.flops)
    bandwidth, memory = math.max(bandwidth, gpu.bandwidth), math.max(memory, gpu.memory)
  end
  return peak, bandwidth, memory
end

---Experts, and columns of each, on the rank that holds most; ranks that share its rows as replicas.
local function held(model, shape)
  local ranks = shape.experts or shape.groups
  local columns = shape.experts and model.expert_hidden or split.ceil(model.expert_hidden, shape.members)
  return split.ceil(model.experts, ranks), columns, split.ceil(ranks, model.experts)
end

---Seconds of all layers: attention and feed-forwards of the busiest group's rows, experts for all rows of a
---copy.
local function all_layers(inputs, shape, peak, bandwidth, requests, tokens)
  local model, element = inputs.model, roofline.element(inputs.workload)
  local function seconds(flops, elements)
    return math.max(flops / peak, elements * element / bandwidth)
  end
  local weights, entry = roofline.attention_weights(model, shape.members)
  weights = weights - model.hidden * model.experts -- routers may be shared by members
  local sequences = split.ceil(requests, shape.groups)
  local rows, heads = sequences * tokens, split.ceil(model.heads, shape.members)
  local seen = tokens > 1 and (tokens + 1) / 2 or inputs.workload.context
  local cached = tokens > 1 and rows or sequences * inputs.workload.context
  local attention = seconds(2 * rows * weights, weights)
    + seconds(2 * rows * seen * roofline.pair_work(model, tokens) * heads, cached * entry)
  local ffn, beside = roofline.ffn_split(model, shape.members, shape.shared, shape.experts)
  local slots, columns, replicas = held(model, shape)
  local matrices = (model.gated and 3 or 2) * model.hidden * columns
  local hit, arriving = model.top_k / model.experts, requests * tokens / replicas
  local touched = slots * (1 - (1 - hit) ^ arriving)
  return model.layers * attention + seconds(2 * rows * ffn, ffn),
    roofline.routed_layers(model) * seconds(2 * arriving * hit * slots * matrices, touched * matrices)
      + seconds(shape.experts and beside > 0
        and 2 * requests * tokens * roofline.shared_weights(model) / shape.experts or 0, beside)
end

---Seconds of one step: the busiest rank's work for all requests, or one micro-batch's way through
---all layers, whichever is longer.
local function step(inputs, shape, phase, tokens, peak, bandwidth)
  local requests = split.ceil(inputs.workload.batch, shape.copies)
  local attention, experts = all_layers(inputs, shape, peak, bandwidth, requests, tokens)
  local busy = shape.experts and math.max(attention, experts) or attention + experts
  busy = busy / shape.stages -- the busiest stage has at least the mean
  local part = requests // (shape.groups * shape.microbatches[phase]) * shape.groups
  if part < 1 then
    return busy
  end
  attention, experts = all_layers(inputs, shape, peak, bandwidth, part, tokens)
  return math.max(busy, attention + experts)
end

---@param inputs table
---@param shape BoundShape
---@return PlanTimes
function M.times(inputs, shape)
  local peak, bandwidth = best_gpu(inputs)
  return {
    prefill = step(inputs, shape, "prefill", inputs.workload.prefill, peak, bandwidth),
    tpot = step(inputs, shape, "decode", 1, peak, bandwidth),
  }
end

---Whether weights and cache alone are too much for the largest GPU.
---@param inputs table
---@param shape BoundShape
---@return boolean
function M.overflows(inputs, shape)
  local model, workload = inputs.model, inputs.workload
  local _, _, memory = best_gpu(inputs)
  local weights, entry = roofline.attention_weights(model, shape.members)
  local requests = split.ceil(split.ceil(workload.batch, shape.copies), shape.groups)
  local cache = requests * workload.context * entry
  local slots, columns = held(model, shape)
  local experts = slots * (model.gated and 3 or 2) * model.hidden * columns
  local attention = model.layers * (weights - model.hidden * model.experts + cache)
  local ffn, beside = roofline.ffn_split(model, shape.members, shape.shared, shape.experts)
  attention, experts = attention + ffn, roofline.routed_layers(model) * experts + beside
  local fullest = shape.experts and math.max(attention, experts) or attention + experts
  return fullest / shape.stages * roofline.element(workload) > memory
end

return M
