-- olmoe: RMS norm, rotary positions, attention whose queries, and keys, are normed over all heads as one vector and may be
-- clipped; experts with gates in every layer.

local hub = require("lib.hub")
local rope = require("lib.hub_rope")

local layer = "model.layers.{layer}."
local attention = layer .. "self_attn."
local block = layer .. "mlp."

local M = {
  name = "olmoe",

  keys = hub.with(hub.keys, {
    attention_bias = "attention_bias",
    clip_qkv = "qkv_clip",
    head_dim = "head_dim",
    intermediate_size = "expert_hidden",
    norm_topk_prob = "renormalize",
    num_experts = "experts",
    num_local_experts = "experts",
    router_aux_loss_coef = "load_balance_coefficient",
  }),

  values = { hidden_act = hub.activations },

  fixed = { norm = "rms", position = "rope", gated = true, qk_norm = "full" },

  -- What the family's own code takes where a config is silent.
  defaults = { activation = "silu", norm_eps = 1e-5, renormalize = false },

  derived = {
    rope.scaling(false),
    -- The bias of the other projections is the output's too.
    {
      field = "output_bias",
      from = { { "attention_bias", "boolean" } },
      make = function(bias)
        return bias
      end,
    },
  },

  harmless = hub.harmless,
  only = hub.only,

  tensors = hub.with({
    embedding = "model.embed_tokens.weight",
    attention_norm = layer .. "input_layernorm.weight",
    query = attention .. "q_proj.weight",
    query_bias = attention .. "q_proj.bias",
    key = attention .. "k_proj.weight",
    key_bias = attention .. "k_proj.bias",
    value = attention .. "v_proj.weight",
    value_bias = attention .. "v_proj.bias",
    query_norm = attention .. "q_norm.weight",
    key_norm = attention .. "k_norm.weight",
    output = attention .. "o_proj.weight",
    output_bias = attention .. "o_proj.bias",
    ffn_norm = layer .. "post_attention_layernorm.weight",
    router = block .. "gate.weight",
    final_norm = "model.norm.weight",
    head = "lm_head.weight",
  }, hub.experts(block)),
}

return M
