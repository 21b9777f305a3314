-- qwen2_moe: RMS norm, rotary positions, grouped-query attention with biases of queries, keys and values; experts with
-- gates beside a feed-forward for all tokens that has a score of its own, dense layers by list and step.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local block = tensors.block

local M = {
  name = "qwen2_moe",

  keys = hub.with(hub.keys, hub.expert_keys, {
    head_dim = "head_dim",
    moe_intermediate_size = "expert_hidden",
    qkv_bias = "attention_bias",
    shared_expert_intermediate_size = "shared_hidden",
  }),

  values = { hidden_act = hub.activations },

  fixed = { norm = "rms", position = "rope", gated = true, shared_score = true },

  -- What the family's own code takes where a config is silent.
  defaults = {
    activation = "silu",
    attention_bias = true,
    kv_heads = 16,
    norm_eps = 1e-6,
    renormalize = false,
    shared_hidden = 5632,
  },

  derived = hub.with({ rope.scaling(false) }, layers.dense_by_step, layers.window(false)),

  harmless = hub.harmless,
  only = hub.only,

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = hub.with(tensors.usual, tensors.feed_forward("shared", block .. "shared_expert."), {
    shared_score = block .. "shared_expert_gate.weight",
  }),
}

return M
