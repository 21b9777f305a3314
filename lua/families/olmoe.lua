-- olmoe: RMS norm, rotary positions, attention whose queries, and keys, are normed over all heads as one vector and may be
-- clipped; experts with gates in every layer.

local hub = require("lib.hub")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local M = {
  name = "olmoe",

  keys = hub.with(hub.keys, hub.attention_keys, hub.expert_keys, {
    clip_qkv = "qkv_clip",
    intermediate_size = "expert_hidden",
  }),

  values = { hidden_act = hub.activations },

  fixed = { norm = "rms", position = "rope", gated = true, qk_norm = "full" },

  -- What the family's own code takes where a config is silent.
  defaults = { activation = "silu", norm_eps = 1e-5, renormalize = false },

  derived = { rope.scaling(false), hub.output_bias },

  harmless = hub.harmless,
  only = hub.only,

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = tensors.usual,
}

return M
