-- mixtral: RMS norm, rotary positions, grouped-query attention without biases, gated experts
-- without biases, top-k probabilities renormalised.

local hub = require("lib.hub")

local layer = "model.layers.{layer}."
local expert = layer .. "block_sparse_moe.experts.{expert}."
local newer = hub.experts(layer .. "mlp.")

local M = {
  name = "mixtral",

  -- Hub key -> field of our model. A dot reaches into a mapping: transformers 5 writes
  -- rope_parameters, version 4 rope_theta.
  keys = {
    attention_dropout = "attention_dropout",
    head_dim = "head_dim",
    hidden_act = "activation",
    hidden_size = "hidden",
    initializer_range = "initializer_range",
    intermediate_size = "expert_hidden",
    max_position_embeddings = "max_positions",
    num_attention_heads = "heads",
    num_experts_per_tok = "top_k",
    num_hidden_layers = "layers",
    num_key_value_heads = "kv_heads",
    num_local_experts = "experts",
    rms_norm_eps = "norm_eps",
    ["rope_parameters.rope_theta"] = "rope_theta",
    rope_theta = "rope_theta",
    router_aux_loss_coef = "load_balance_coefficient",
    tie_word_embeddings = "tie_embeddings",
    vocab_size = "vocabulary",
  },

  values = { hidden_act = hub.activations },

  -- What the family is by definition.
  fixed = { norm = "rms", position = "rope", gated = true, renormalize = true },

  -- What the family's own code takes where a config is silent; a null means as many as query heads.
  defaults = { kv_heads = 8, rope_theta = 1000000.0 },

  harmless = hub.harmless,
  only = hub.with(hub.only, { router_jitter_noise = { 0.0 } }),

  tensors = {
    embedding = "model.embed_tokens.weight",
    attention_norm = layer .. "input_layernorm.weight",
    query = layer .. "self_attn.q_proj.weight",
    key = layer .. "self_attn.k_proj.weight",
    value = layer .. "self_attn.v_proj.weight",
    output = layer .. "self_attn.o_proj.weight",
    ffn_norm = layer .. "post_attention_layernorm.weight",
    router = { layer .. "block_sparse_moe.gate.weight", layer .. "mlp.gate.weight" },
    expert_gate = { expert .. "w1.weight", table.unpack(newer.expert_gate) },
    expert_up = { expert .. "w3.weight", table.unpack(newer.expert_up) },
    expert_down = { expert .. "w2.weight", table.unpack(newer.expert_down) },
    final_norm = "model.norm.weight",
    head = "lm_head.weight",
  },
}

return M
