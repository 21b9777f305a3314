-- qwen3_moe: RMS norm, rotary positions, grouped-query attention whose queries and keys are normed head by head; experts
-- with gates, dense layers by list and by step.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local M = {
  name = "qwen3_moe",

  keys = hub.with(hub.keys, hub.attention_keys, hub.expert_keys, {
    moe_intermediate_size = "expert_hidden",
  }),

  values = { hidden_act = hub.activations },

  fixed = { norm = "rms", position = "rope", gated = true, qk_norm = "head" },

  -- What the family's own code takes where a config is silent.
  defaults = { activation = "silu", kv_heads = 4, norm_eps = 1e-6, renormalize = false },

  derived = hub.with(
    { rope.scaling(false), hub.output_bias },
    layers.dense_by_step,
    layers.window(false)
  ),

  harmless = hub.harmless,
  only = hub.only,

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = tensors.usual,
}

return M
