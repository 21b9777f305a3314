-- mixtral: RMS norm, rotary positions, grouped-query attention without biases, gated experts
-- without biases, top-k probabilities renormalised.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local block = tensors.layer .. "block_sparse_moe."
local expert = block .. "experts.{expert}."
local newer = tensors.usual

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

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = hub.with(tensors.usual, {
    router = { block .. "gate.weight", newer.router },
    expert_gate = { expert .. "w1.weight", table.unpack(newer.expert_gate) },
    expert_up = { expert .. "w3.weight", table.unpack(newer.expert_up) },
    expert_down = { expert .. "w2.weight", table.unpack(newer.expert_down) },
  }),
}

return M
