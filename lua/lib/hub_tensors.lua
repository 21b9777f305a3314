-- hub_tensors: names that tensors have in the checkpoints of most families. A model has those kinds that its fields ask
-- for; names of others mean nothing, so that families share one table and put their own names over it.

local hub = require("lib.hub")

local M = {}

M.layer = "model.layers.{layer}."
M.attention = M.layer .. "self_attn."
M.block = M.layer .. "mlp."

---A feed-forward for all tokens: `dense`, or `shared`, beside the experts.
---@param kind string what the kinds of its tensors begin with
---@param block string what their names begin with
---@return table<string, string>
function M.feed_forward(kind, block)
  return {
    [kind .. "_gate"] = block .. "gate_proj.weight",
    [kind .. "_up"] = block .. "up_proj.weight",
    [kind .. "_down"] = block .. "down_proj.weight",
  }
end

-- Experts as older checkpoints have them, each matrix a tensor, and as newer ones do: gate and up of all experts in one
-- tensor [experts][2 x expert_hidden][hidden], down in another.
---@param block string what the names of a layer's feed-forward begin with
---@return table<string, table> forms of the tensors of experts
function M.experts(block)
  local one = block .. "experts.{expert}."
  local all = { name = block .. "experts.gate_up_proj", stack = { "expert_gate", "expert_up" } }
  return {
    expert_gate = { one .. "gate_proj.weight", all },
    expert_up = { one .. "up_proj.weight", all },
    expert_down = { one .. "down_proj.weight", { name = block .. "experts.down_proj", stack = { "expert_down" } } },
  }
end

M.usual = hub.with({
  embedding = "model.embed_tokens.weight",
  attention_norm = M.layer .. "input_layernorm.weight",
  query = M.attention .. "q_proj.weight",
  query_bias = M.attention .. "q_proj.bias",
  key = M.attention .. "k_proj.weight",
  key_bias = M.attention .. "k_proj.bias",
  value = M.attention .. "v_proj.weight",
  value_bias = M.attention .. "v_proj.bias",
  query_norm = M.attention .. "q_norm.weight",
  key_norm = M.attention .. "k_norm.weight",
  output = M.attention .. "o_proj.weight",
  output_bias = M.attention .. "o_proj.bias",
  ffn_norm = M.layer .. "post_attention_layernorm.weight",
  router = M.block .. "gate.weight",
  router_correction = M.block .. "gate.e_score_correction_bias",
  final_norm = "model.norm.weight",
  head = "lm_head.weight",
}, M.feed_forward("dense", M.block), M.experts(M.block))

-- Tensors that checkpoints may have and that are not used: angles that older ones kept; an output matrix beside an
-- embedding that stands for it; layers that predict further tokens; scales for inputs rounded to 8 bits, which ours are
-- not.
M.ignored = {
  "*.rotary_emb.inv_freq",
  { name = "lm_head.weight", same_as = "embedding" },
  "model.layers.{extra}.*",
  "*.input_scale",
}

-- What a matrix of 8 bits is multiplied by, beside it.
M.scales = { "{tensor}_scale_inv", "{tensor}_scale" }

return M
