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
    query_down = attention .. "q_a_proj.weight",
    query_latent_norm = attention .. "q_a_layernorm.weight",
    query = attention .. "q_proj.weight",
    query_bias = attention .. "q_proj.bias",
    key = attention .. "k_proj.weight",
    key_bias = attention .. "k_proj.bias",
    value = attention .. "v_proj.weight",
    value_bias = attention .. "v_proj.bias",
    query_norm = attention .. "q_norm.weight",
    key_norm = attention .. "k_norm.weight",
    latent = attention .. "kv_a_proj_with_mqa.weight",
    latent_norm = attention .. "kv_a_layernorm.weight",
    latent_up = attention .. "kv_b_proj.weight",
    output = attention .. "o_proj.weight",
    output_bias = attention .. "o_proj.bias",
    ffn_norm = layer .. "post_attention_layernorm.weight",
    ffn_norm_bias = layer .. "post_attention_layernorm.bias",
    router = layer .. "block_sparse_moe.gate.weight",
    router_correction = layer .. "block_sparse_moe.gate.correction",
    expert_gate = expert .. "w1.weight",
    expert_gate_bias = expert .. "w1.bias",
    expert_up = expert .. "w3.weight",
    expert_up_bias = expert .. "w3.bias",
    expert_down = expert .. "w2.weight",
    expert_down_bias = expert .. "w2.bias",
    dense_gate = layer .. "mlp.gate_proj.weight",
    dense_gate_bias = layer .. "mlp.gate_proj.bias",
    dense_up = layer .. "mlp.up_proj.weight",
    dense_up_bias = layer .. "mlp.up_proj.bias",
    dense_down = layer .. "mlp.down_proj.weight",
    dense_down_bias = layer .. "mlp.down_proj.bias",
    shared_gate = layer .. "block_sparse_moe.shared_experts.gate_proj.weight",
    shared_gate_bias = layer .. "block_sparse_moe.shared_experts.gate_proj.bias",
    shared_up = layer .. "block_sparse_moe.shared_experts.up_proj.weight",
    shared_up_bias = layer .. "block_sparse_moe.shared_experts.up_proj.bias",
    shared_down = layer .. "block_sparse_moe.shared_experts.down_proj.weight",
    shared_down_bias = layer .. "block_sparse_moe.shared_experts.down_proj.bias",
    shared_score = layer .. "block_sparse_moe.shared_score.weight",
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
