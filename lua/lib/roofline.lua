--- roofline: seconds that computing takes at the least, from arithmetic and device-memory traffic.
--- A first estimate for planners; it counts neither launches nor what caches save.
local M = {}

---Bytes of an element of weights and activations.
---@param workload table
---@return integer
function M.element(workload)
  return workload.dtype == "f32" and 4 or 2
end

local function seconds(workload, gpu, flops, bytes)
  local peak = workload.dtype == "f32" and gpu.flops_f32 or gpu.flops
  return math.max(flops / peak, bytes / gpu.bandwidth)
end

---Elements of the attention weights of one layer on a member with the most heads, routers included, and
---of its cache at one position. Latents and what makes them are with every member.
---@param model table
---@param members integer
---@return integer weights
---@return integer cached
function M.attention_weights(model, members)
  local heads = (model.heads + members - 1) // members
  if model.kv_latent > 0 then
    local entry, query = model.kv_latent + model.rope_dim, heads * model.head_dim
    local made = heads * (model.head_dim - model.rope_dim + model.value_dim)
    return model.hidden * (model.q_latent + entry + heads * model.value_dim + model.experts)
      + query * (model.q_latent > 0 and model.q_latent or model.hidden) + made * model.kv_latent, entry
  end
  local per_kv = model.heads // model.kv_heads
  local kv = math.min(model.kv_heads, (heads + per_kv - 1) // per_kv)
  return model.hidden * (model.head_dim * 2 * (heads + kv) + model.experts), 2 * kv * model.head_dim
end

---Multiply-adds of one query head and one position that it sees: over keys and values, or in one-token
---steps over latents, where a model has these.
---@param model table
---@param tokens integer rows a sequence
---@return integer
function M.pair_work(model, tokens)
  if model.kv_latent > 0 and tokens == 1 then
    return 2 * model.kv_latent + model.rope_dim
  end
  return model.head_dim + model.value_dim
end

---Elements of one expert of one layer.
---@param model table
---@return integer
function M.expert_weights(model)
  return (model.gated and 3 or 2) * model.hidden * model.expert_hidden
end

---Elements of the feed-forwards that all tokens pass, over all layers and members of a group.
---@param model table
---@return integer
function M.ffn_weights(model)
  local dense = #model.dense_layers
  return (model.gated and 3 or 2) * model.hidden
    * (dense * model.dense_hidden + (model.layers - dense) * model.shared_hidden)
end

---Elements of those beside experts, over all layers.
---@param model table
---@return integer
function M.shared_weights(model)
  return (model.gated and 3 or 2) * model.hidden * (model.layers - #model.dense_layers) * model.shared_hidden
end

---Elements of such feed-forwards that a member of a group has, and a rank of `experts`, where these have the
---one beside experts.
---@param model table
---@param members integer
---@param shared string? where it lies (shared.lua)
---@param experts integer? expert ranks that do nothing else
---@return number member
---@return number expert rank
function M.ffn_split(model, members, shared, experts)
  local all, moved = M.ffn_weights(model), M.shared_weights(model)
  if not experts or (shared or "attention") == "attention" then
    return all / members, 0
  end
  return (all - moved) / members, shared == "columns" and moved / experts or moved
end

---Seconds of those feed-forwards for `rows` rows, all layers together, on a rank that has so much of them.
---@param inputs table
---@param gpu table
---@param weights number elements
---@param rows number
---@return number
function M.ffn(inputs, gpu, weights, rows)
  return seconds(inputs.workload, gpu, 2 * rows * weights, weights * M.element(inputs.workload))
end

---Layers with experts.
---@param model table
---@return integer
function M.routed_layers(model)
  return model.layers - #model.dense_layers
end

---One layer's attention part on the busiest member of a group, for one micro-batch.
---@param inputs table
---@param gpu table
---@param work {members: integer, sequences: integer, tokens: integer, context: integer}
---@return number seconds
function M.attention(inputs, gpu, work)
  local model, element = inputs.model, M.element(inputs.workload)
  local weights, cached = M.attention_weights(model, work.members)
  local heads = (model.heads + work.members - 1) // work.members
  local rows = work.sequences * work.tokens
  local seen = work.tokens == 1 and work.context or (work.tokens + 1) / 2
  local flops = 2 * rows * weights + 2 * rows * seen * M.pair_work(model, work.tokens) * heads
  local cache = work.sequences * work.context * cached
  return seconds(inputs.workload, gpu, flops, (weights + cache) * element)
end

---One layer's experts on the rank that holds the most of them, for the rows of one micro-batch of
---all groups. A token's choices are taken as spread evenly; experts without tokens are not read.
---@param inputs table
---@param gpu table
---@param held integer experts on the rank
---@param rows integer
---@return number seconds
function M.experts(inputs, gpu, held, rows)
  local model, weights = inputs.model, M.expert_weights(inputs.model)
  local choices = rows * model.top_k
  local touched = held * (1 - (1 - 1 / model.experts) ^ choices)
  local flops = 2 * choices * held / model.experts * weights
  return seconds(inputs.workload, gpu, flops, touched * weights * M.element(inputs.workload))
end

---Bytes that an attention rank and an expert rank hold, at the bounds of the workload.
---@param inputs table
---@param members integer of the group
---@param requests integer of the group
---@param held integer experts a layer
---@param shared string? where the feed-forward beside experts lies
---@param ranks integer expert ranks
---@return integer attention
---@return integer experts
function M.resident(inputs, members, requests, held, shared, ranks)
  local model, workload = inputs.model, inputs.workload
  local weights, cached = M.attention_weights(model, members)
  local cache = requests * workload.context * cached
  local tables = (model.tie_embeddings and 1 or 2) * model.vocabulary * model.hidden
  local element = M.element(workload)
  local own, beside = M.ffn_split(model, members, shared, ranks)
  return (model.layers * (weights + cache) + tables + own) * element,
    (M.routed_layers(model) * held * M.expert_weights(model) + beside) * element
end

return M
