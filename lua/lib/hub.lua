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

-- Keys that change results and are not supported but for these values. Null is always allowed.
M.only = {
  add_cross_attention = { false },
  attention_bias = { false },
  chunk_size_feed_forward = { 0 },
  is_decoder = { false },
  is_encoder_decoder = { false },
  mlp_bias = { false },
  partial_rotary_factor = { 1.0 },
  quantization_config = {},
  rope_scaling = {},
  ["rope_parameters.partial_rotary_factor"] = { 1.0 },
  ["rope_parameters.rope_type"] = { "default" },
  sliding_window = {},
  use_sliding_window = { false },
}

---Names of activations in hub configs, in our words.
M.activations = {
  gelu = "gelu",
  gelu_new = "gelu_tanh",
  gelu_pytorch_tanh = "gelu_tanh",
  silu = "silu",
  swish = "silu",
}

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
