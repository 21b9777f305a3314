-- gpt2_moe: layer norm with bias, learned positions, biases everywhere, GELU, experts without gates in every layer, the
-- embedding as output matrix.
--
-- The public hub has no one form of such models: several repositories put experts into GPT-2 (model_type gpt2), each with
-- names of its own. Keys and names of this file are GPT-2's where it has them: transposed matrices, query, key and value in
-- one. Those of experts are ours, after other families' of the hub: mlp.gate.weight, [experts][hidden] as there, and
-- mlp.experts.{expert}.c_fc and c_proj, or the same without {expert} for all of them in one tensor.

local hub = require("lib.hub")
local tensors = require("lib.hub_tensors")

local layer = "h.{layer}."
local attention = layer .. "attn."
local experts = layer .. "mlp.experts."

---A name as the model with its output matrix has it, and as the model without has it.
---@param name string
---@return string[]
local function both(name)
  return { "transformer." .. name, name }
end

---A matrix of inputs by outputs.
local function turned(name)
  local forms = both(name)
  for i, form in ipairs(forms) do
    forms[i] = { name = form, transposed = true }
  end
  return forms
end

---A third of the outputs of c_attn, their matrix or their biases; by itself under a name of ours.
---@param kind string query, key or value
---@param part string weight or bias
local function third(kind, part)
  local transposed, ending = part == "weight", part == "bias" and "_bias" or ""
  local forms = { { name = "transformer." .. attention .. kind .. "." .. part, transposed = transposed } }
  for _, name in ipairs(both(attention .. "c_attn." .. part)) do
    local stack = { "query" .. ending, "key" .. ending, "value" .. ending }
    forms[#forms + 1] = { name = name, stack = stack, transposed = transposed }
  end
  return forms
end

---An expert's tensor by itself, and those of all experts in one.
---@param kind string
---@param name string
---@param transposed boolean
local function expert(kind, name, transposed)
  local forms = {}
  for _, form in ipairs(both(experts .. "{expert}." .. name)) do
    forms[#forms + 1] = { name = form, transposed = transposed }
  end
  for _, form in ipairs(both(experts .. name)) do
    forms[#forms + 1] = { name = form, stack = { kind }, transposed = transposed }
  end
  return forms
end

local M = {
  name = "gpt2_moe",

  keys = hub.with(hub.expert_keys, {
    activation_function = "activation",
    attn_pdrop = "attention_dropout",
    initializer_range = "initializer_range",
    layer_norm_epsilon = "norm_eps",
    n_embd = "hidden",
    n_head = "heads",
    n_layer = "layers",
    n_positions = "max_positions",
    num_experts_per_tok = "top_k",
    resid_pdrop = "residual_dropout",
    ["quantization_config.weight_block_size"] = "scale_block",
    tie_word_embeddings = "tie_embeddings",
    vocab_size = "vocabulary",
  }),

  values = { activation_function = hub.activations },

  fixed = {
    norm = "layer",
    position = "learned",
    gated = false,
    attention_bias = true,
    output_bias = true,
    expert_bias = true,
  },

  -- What GPT-2's own code takes where a config is silent.
  defaults = {
    activation = "gelu_tanh",
    heads = 12,
    hidden = 768,
    layers = 12,
    max_positions = 1024,
    norm_eps = 1e-5,
    renormalize = false,
    tie_embeddings = true,
    vocabulary = 50257,
  },

  derived = {
    {
      field = "expert_hidden",
      from = { { "n_inner", "integer" }, { "n_embd", "integer" } },
      make = function(inner, hidden)
        return inner or 4 * (hidden or 768)
      end,
    },
  },

  -- How sums are rounded (reorder_and_upcast_attn), and heads of other tasks, change nothing here.
  harmless = hub.with(hub.harmless, {
    "embd_pdrop",
    "n_ctx",
    "reorder_and_upcast_attn",
    "summary_activation",
    "summary_first_dropout",
    "summary_proj_to_labels",
    "summary_type",
    "summary_use_proj",
    "task_specific_params",
  }),
  only = hub.with(hub.only, {
    scale_attn_by_inverse_layer_idx = { false },
    scale_attn_weights = { true },
  }),

  -- Older checkpoints keep the masks of attention.
  ignored = {
    "transformer.h.{layer}.attn.bias",
    "transformer.h.{layer}.attn.masked_bias",
    "h.{layer}.attn.bias",
    "h.{layer}.attn.masked_bias",
    { name = "lm_head.weight", same_as = "embedding" },
  },
  scales = tensors.scales,

  tensors = {
    embedding = both("wte.weight"),
    positions = both("wpe.weight"),
    attention_norm = both(layer .. "ln_1.weight"),
    attention_norm_bias = both(layer .. "ln_1.bias"),
    query = third("query", "weight"),
    query_bias = third("query", "bias"),
    key = third("key", "weight"),
    key_bias = third("key", "bias"),
    value = third("value", "weight"),
    value_bias = third("value", "bias"),
    output = turned(attention .. "c_proj.weight"),
    output_bias = both(attention .. "c_proj.bias"),
    ffn_norm = both(layer .. "ln_2.weight"),
    ffn_norm_bias = both(layer .. "ln_2.bias"),
    router = both(layer .. "mlp.gate.weight"),
    expert_up = expert("expert_up", "c_fc.weight", true),
    expert_up_bias = expert("expert_up_bias", "c_fc.bias", false),
    expert_down = expert("expert_down", "c_proj.weight", true),
    expert_down_bias = expert("expert_down_bias", "c_proj.bias", false),
    final_norm = both("ln_f.weight"),
    final_norm_bias = both("ln_f.bias"),
    head = "lm_head.weight",
  },
}

return M
