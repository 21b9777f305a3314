-- deepseek_v3: RMS norm, latent attention with rotary positions in a part of each head; dense layers first, then experts
-- with gates beside a feed-forward for all tokens, chosen by sigmoid scores with a correction, within groups.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

local attention = tensors.attention

local M = {
  name = "deepseek_v3",

  keys = hub.with(hub.keys, hub.group_keys, {
    kv_lora_rank = "kv_latent",
    q_lora_rank = "q_latent",
    qk_rope_head_dim = "rope_dim",
    rope_interleave = "rope_interleave",
    v_head_dim = "value_dim",
  }),

  values = { hidden_act = hub.activations },

  fixed = {
    norm = "rms",
    position = "rope",
    gated = true,
    scoring = "sigmoid",
    router_correction = true,
    latent_norm_eps = 1e-6,
  },

  -- What the family's own code takes where a config is silent.
  defaults = {
    activation = "silu",
    expert_groups = 8,
    norm_eps = 1e-6,
    q_latent = 1536,
    renormalize = true,
    rope_interleave = true,
    routed_scale = 2.5,
    top_groups = 4,
  },

  derived = hub.with({
    rope.scaling(true),
    hub.shared_hidden,
    {
      field = "head_dim",
      from = { { "qk_nope_head_dim", "integer" }, { "qk_rope_head_dim", "integer" } },
      make = function(plain, turned)
        return plain and turned and plain + turned
      end,
    },
  }, layers.dense_first(3)),

  -- The model's own head_dim is that of the rotary part.
  harmless = hub.with(hub.harmless, {
    "aux_loss_alpha",
    "ep_size",
    "head_dim",
    "qk_head_dim",
    "seq_aux",
  }),
  only = hub.with(hub.only, {
    moe_layer_freq = { 1 },
    scoring_func = { "sigmoid" },
    topk_method = { "noaux_tc" },
  }),

  ignored = tensors.ignored,
  scales = tensors.scales,
  tensors = hub.with(tensors.usual, tensors.feed_forward("shared", tensors.block .. "shared_experts."), {
    query_down = attention .. "q_a_proj.weight",
    query_latent_norm = attention .. "q_a_layernorm.weight",
    query = { attention .. "q_b_proj.weight", attention .. "q_proj.weight" },
    latent = attention .. "kv_a_proj_with_mqa.weight",
    latent_norm = attention .. "kv_a_layernorm.weight",
    latent_up = attention .. "kv_b_proj.weight",
  }),
}

return M
