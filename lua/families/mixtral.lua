-- mixtral: RMS norm, rotary positions, grouped-query attention without biases, gated experts
-- without biases, top-k probabilities renormalised.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")

local layer = "model.layers.{layer}."
local expert = layer .. "block_sparse_moe.experts.{expert}."
local newer = hub.experts(layer .. "mlp.")

local M = {
  name = "mixtral",

  keys = hub.with(hub.keys, {
    head_dim = "head_dim",
    intermediate_size = "expert_hidden",
    num_local_experts = "experts",
    router_aux_loss_coef = "load_balance_coefficient",
  }),

  values = { hidden_act = hub.activations },

  -- What the family is by definition.
  fixed = { norm = "rms", position = "rope", gated = true, renormalize = true },

  -- What the family's own code takes where a config is silent; a null means as many as query heads.
  defaults = { kv_heads = 8, rope_theta = 1000000.0 },

  -- A window, where the config has one, is that of all layers.
  derived = hub.with({ rope.scaling(false) }, layers.window(true)),

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
