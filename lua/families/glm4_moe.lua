-- glm4_moe: RMS norm, rotary positions in a part of each head, grouped-query attention with biases whose queries and keys
-- may be normed head by head; dense layers first, then experts with gates beside a feed-forward for all tokens, chosen by
-- sigmoid scores with a correction, within groups.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local M = {
  name = "glm4_moe",

  keys = hub.with(hub.keys, hub.attention_keys, hub.group_keys),

  values = { hidden_act = hub.activations },

  fixed = { norm = "rms", position = "rope", gated = true, scoring = "sigmoid", router_correction = true },

  -- What the family's own code takes where a config is silent.
  defaults = {
    activation = "silu",
    kv_heads = 8,
    norm_eps = 1e-5,
    renormalize = true,
  },

  derived = hub.with({
    rope.scaling(false),
    rope.partial(0.5),
    hub.shared_hidden,
    {
      field = "qk_norm",
      from = { { "use_qk_norm", "boolean" } },
      make = function(use)
        return use and "head" or "none"
      end,
    },
  }, layers.dense_first(1)),

  harmless = hub.harmless,
  only = hub.only,

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = hub.with(tensors.usual, tensors.feed_forward("shared", tensors.block .. "shared_experts.")),
}

return M
