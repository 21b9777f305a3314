-- deepseek_v3: RMS norm, latent attention with rotary positions in a part of each head; dense layers first, then experts
-- with gates beside a feed-forward for all tokens, chosen by sigmoid scores with a correction, within groups.

local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")

local layer = "model.layers.{layer}."
local attention = layer .. "self_attn."
local block = layer .. "mlp."

---A rule whose figure is a of one key and b of another.
local function rule(field, a, b, make)
  return { field = field, from = { { a, "integer" }, { b, "integer" } }, make = make }
end

local M = {
  name = "deepseek_v3",

  keys = hub.with(hub.keys, {
    kv_lora_rank = "kv_latent",
    moe_intermediate_size = "expert_hidden",
    n_group = "expert_groups",
    n_routed_experts = "experts",
    norm_topk_prob = "renormalize",
    num_local_experts = "experts",
    q_lora_rank = "q_latent",
    qk_rope_head_dim = "rope_dim",
    rope_interleave = "rope_interleave",
    routed_scaling_factor = "routed_scale",
    topk_group = "top_groups",
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

  derived = {
    rope.scaling(true),
    rule("head_dim", "qk_nope_head_dim", "qk_rope_head_dim", function(plain, turned)
      return plain and turned and plain + turned
    end),
    rule("shared_hidden", "n_shared_experts", "moe_intermediate_size", function(count, width)
      return width and (count or 1) * width
    end),
    table.unpack(layers.dense_first(3)),
  },

  -- The model's own head_dim is that of the rotary part; extra layers that predict further tokens are not used.
  harmless = hub.with(hub.harmless, {
    "aux_loss_alpha",
    "ep_size",
    "head_dim",
    "num_nextn_predict_layers",
    "qk_head_dim",
    "seq_aux",
  }),
  only = hub.with(hub.only, {
    moe_layer_freq = { 1 },
    scoring_func = { "sigmoid" },
    topk_method = { "noaux_tc" },
  }),

  tensors = hub.with({
    embedding = "model.embed_tokens.weight",
    attention_norm = layer .. "input_layernorm.weight",
    query_down = attention .. "q_a_proj.weight",
    query_latent_norm = attention .. "q_a_layernorm.weight",
    query = { attention .. "q_b_proj.weight", attention .. "q_proj.weight" },
    latent = attention .. "kv_a_proj_with_mqa.weight",
    latent_norm = attention .. "kv_a_layernorm.weight",
    latent_up = attention .. "kv_b_proj.weight",
    output = attention .. "o_proj.weight",
    ffn_norm = layer .. "post_attention_layernorm.weight",
    router = block .. "gate.weight",
    router_correction = block .. "gate.e_score_correction_bias",
    dense_gate = block .. "gate_proj.weight",
    dense_up = block .. "up_proj.weight",
    dense_down = block .. "down_proj.weight",
    shared_gate = block .. "shared_experts.gate_proj.weight",
    shared_up = block .. "shared_experts.up_proj.weight",
    shared_down = block .. "shared_experts.down_proj.weight",
    final_norm = "model.norm.weight",
    head = "lm_head.weight",
  }, hub.experts(block)),
}

return M
