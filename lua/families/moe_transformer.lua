-- moe_transformer: the family of our own YAML. It has a name for every tensor that a model can
-- have, in the style of hub checkpoints; which of them a model has follows from its fields.

local layer = "model.layers.{layer}."
local attention = layer .. "self_attn."
local expert = layer .. "block_sparse_moe.experts.{expert}."

local M = {
  name = "moe_transformer",

  tensors = {
    embedding = "model.embed_tokens.weight",
    positions = "model.embed_positions.weight",
    attention_norm = layer .. "input_layernorm.weight",
    attention_norm_bias = layer .. "input_layernorm.bias",
    query = attention .. "q_proj.weight",
    query_bias = attention .. "q_proj.bias",
    key = attention .. "k_proj.weight",
    key_bias = attention .. "k_proj.bias",
    value = attention .. "v_proj.weight",
    value_bias = attention .. "v_proj.bias",
    output = attention .. "o_proj.weight",
    output_bias = attention .. "o_proj.bias",
    ffn_norm = layer .. "post_attention_layernorm.weight",
    ffn_norm_bias = layer .. "post_attention_layernorm.bias",
    router = layer .. "block_sparse_moe.gate.weight",
    expert_gate = expert .. "w1.weight",
    expert_gate_bias = expert .. "w1.bias",
    expert_up = expert .. "w3.weight",
    expert_up_bias = expert .. "w3.bias",
    expert_down = expert .. "w2.weight",
    expert_down_bias = expert .. "w2.bias",
    final_norm = "model.norm.weight",
    final_norm_bias = "model.norm.bias",
    head = "lm_head.weight",
  },

  -- Experts of two matrices call the first w1.
  ungated = {
    expert_up = expert .. "w1.weight",
    expert_up_bias = expert .. "w1.bias",
  },
}

return M
