-- hub: keys that mean the same in the config.json of every family.

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
  quantization_config = {},
  ["rope_parameters.partial_rotary_factor"] = { 1.0 },
  ["rope_parameters.rope_type"] = { "default" },
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
  rms_norm_eps = "norm_eps",
  ["rope_parameters.rope_theta"] = "rope_theta",
  rope_theta = "rope_theta",
  tie_word_embeddings = "tie_embeddings",
  vocab_size = "vocabulary",
}

---Names of activations in hub configs, in our words.
M.activations = {
  gelu = "gelu",
  gelu_new = "gelu_tanh",
  gelu_pytorch_tanh = "gelu_tanh",
  silu = "silu",
  swish = "silu",
}

-- Experts as older checkpoints have them, each matrix a tensor, and as newer ones do: gate and up of all experts in one
-- tensor [experts][2 x expert_hidden][hidden], down in another.
---@param block string what the names of a layer's feed-forward begin with
---@return table<string, table> forms of the tensors of experts
function M.experts(block)
  local one = block .. "experts.{expert}."
  local all = { name = block .. "experts.gate_up_proj", stack = { "expert_gate", "expert_up" } }
  return {
    expert_gate = { one .. "gate_proj.weight", all },
    expert_up = { one .. "up_proj.weight", all },
    expert_down = { one .. "down_proj.weight", { name = block .. "experts.down_proj", stack = { "expert_down" } } },
  }
end

---A copy of `base` with the entries of `more` put over it; lists are appended.
---@param base table
---@param more table
---@return table
function M.with(base, more)
  local result = {}
  for key, value in pairs(base) do
    result[key] = value
  end
  for key, value in pairs(more) do
    if math.type(key) == "integer" then
      result[#result + 1] = value
    else
      result[key] = value
    end
  end
  return result
end

return M
