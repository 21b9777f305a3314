-- hub: what families of the public hub share: keys of config.json, and names of tensors (hub_tensors).

local M = {}

-- Keys that change no result of ours: bookkeeping, the training loop, the reading library's own
-- switches.
M.harmless = {
  "_name_or_path",
  "architectures",
  "auto_map",
  "bos_token_id",
  "dtype",
  "eos_token_id",
  "model_type",
  "output_attentions",
  "output_hidden_states",
  "output_router_logits",
  "pad_token_id",
  "pretraining_tp",
  "quantization_config.ignored_layers",
  "quantization_config.modules_to_not_convert",
  "quantization_config.scale_fmt",
  "return_dict",
  "torch_dtype",
  "transformers_version",
  "use_cache",
}

-- Keys that change results and are not supported but for these values. Null is always allowed. What a family has in
-- `keys` or reads in `derived` is not looked up here.
M.only = {
  add_cross_attention = { false },
  attention_bias = { false },
  chunk_size_feed_forward = { 0 },
  is_decoder = { false },
  is_encoder_decoder = { false },
  mlp_bias = { false },
  partial_rotary_factor = { 1.0 },
  ["quantization_config.activation_scheme"] = { "dynamic", "static" },
  ["quantization_config.fmt"] = { "e4m3", "e5m2" },
  ["quantization_config.quant_method"] = { "fp8" },
  ["rope_parameters.partial_rotary_factor"] = { 1.0 },
  ["rope_parameters.rope_type"] = { "default" },
  ["rope_parameters.truncate"] = { true },
  ["rope_scaling.truncate"] = { true },
  sliding_window = {},
  use_sliding_window = { false },
}

-- Keys that mean the same in every family that has them. A dot reaches into a mapping: newer configs write
-- rope_parameters, older ones rope_theta.
M.keys = {
  attention_dropout = "attention_dropout",
  hidden_act = "activation",
  hidden_size = "hidden",
  initializer_range = "initializer_range",
  max_position_embeddings = "max_positions",
  num_attention_heads = "heads",
  num_experts_per_tok = "top_k",
  num_hidden_layers = "layers",
  num_key_value_heads = "kv_heads",
  ["quantization_config.weight_block_size"] = "scale_block",
  rms_norm_eps = "norm_eps",
  ["rope_parameters.rope_theta"] = "rope_theta",
  rope_theta = "rope_theta",
  tie_word_embeddings = "tie_embeddings",
  vocab_size = "vocabulary",
}

-- Of attention with a key and a value for each key-value head.
M.attention_keys = {
  attention_bias = "attention_bias",
  head_dim = "head_dim",
}

-- Of experts: their number, and how their scores become weights.
M.expert_keys = {
  norm_topk_prob = "renormalize",
  num_experts = "experts",
  num_local_experts = "experts",
  router_aux_loss_coef = "load_balance_coefficient",
}

-- The same where experts are chosen within groups by sigmoid scores with a correction.
M.group_keys = {
  moe_intermediate_size = "expert_hidden",
  n_group = "expert_groups",
  n_routed_experts = "experts",
  norm_topk_prob = "renormalize",
  num_local_experts = "experts",
  num_nextn_predict_layers = "extra_layers",
  routed_scaling_factor = "routed_scale",
  topk_group = "top_groups",
}

---Names of activations in hub configs, in our words.
M.activations = {
  gelu = "gelu",
  gelu_new = "gelu_tanh",
  gelu_pytorch_tanh = "gelu_tanh",
  silu = "silu",
  swish = "silu",
}

-- A rule: the bias of the other projections is the output's too.
M.output_bias = {
  field = "output_bias",
  from = { { "attention_bias", "boolean" } },
  make = function(bias)
    return bias
  end,
}

-- A rule: so many shared experts, in one feed-forward as wide as all of them.
M.shared_hidden = {
  field = "shared_hidden",
  from = { { "n_shared_experts", "integer" }, { "moe_intermediate_size", "integer" } },
  make = function(count, width)
    return width and (count or 1) * width
  end,
}

---A copy of `base` with the entries of the tables after it put over it, one table after another; lists are appended.
---@param base table
---@param ... table
---@return table
function M.with(base, ...)
  local result = {}
  for _, more in ipairs({ base, ... }) do
    for key, value in pairs(more) do
      if math.type(key) ~= "integer" then
        result[key] = value
      end
    end
    table.move(more, 1, #more, #result + 1, result)
  end
  return result
end

return M
