-- What families derive of hub keys: dense layers, windows, rotary positions.
local hub = require("lib.hub")
local layers = require("lib.hub_layers")
local rope = require("lib.hub_rope")
local tensors = require("lib.hub_tensors")

---The value that a rule makes of a config, and the reason why not.
local function made(rule, config)
  local values = {}
  for i, key in ipairs(rule.from) do
    local value = config
    for part in key[1]:gmatch("[^.]+") do
      value = type(value) == "table" and value[part] or nil
    end
    if config[key[1]] ~= nil then
      value = config[key[1]]
    end
    values[i] = value
  end
  return rule.make(table.unpack(values, 1, #rule.from))
end

local function listed(value)
  return value and table.concat(value, " ")
end

local function equal(got, wanted)
  assert(got == wanted, tostring(got) .. " instead of " .. tostring(wanted))
end

local T = {}

function T.dense_by_step()
  local list, width = layers.dense_by_step[1], layers.dense_by_step[2]
  local config = { num_hidden_layers = 6, intermediate_size = 9, decoder_sparse_step = 2 }
  equal(listed(made(list, config)), "0 2 4")
  equal(made(width, config), 9)
  config.mlp_only_layers = { 5, 1 }
  equal(listed(made(list, config)), "0 1 2 4 5")
  config.decoder_sparse_step = 1
  equal(listed(made(list, config)), "1 5")
  config.mlp_only_layers = {}
  equal(listed(made(list, config)), "")
  equal(made(width, config), nil) -- a model without dense layers has no width of them
  config.decoder_sparse_step = nil
  equal(listed(made(list, config)), "")
  config.decoder_sparse_step = 0 -- none has experts, as the schema will say
  equal(#made(list, config), 6)
  equal(made(list, {}), nil)
end

function T.dense_first()
  local list = layers.dense_first(3)[1]
  equal(listed(made(list, { num_hidden_layers = 5 })), "0 1 2")
  equal(listed(made(list, { num_hidden_layers = 5, first_k_dense_replace = 1 })), "0")
  equal(listed(made(list, { num_hidden_layers = 5, first_k_dense_replace = 0 })), "")
  local nothing, reason = made(list, { num_hidden_layers = 1 << 30 })
  assert(nothing == nil and reason == "at most 65536 layers")
end

function T.windows()
  local list, size = layers.window(false)[1], layers.window(false)[2]
  local config = { num_hidden_layers = 4, sliding_window = 7 }
  equal(made(list, config), nil) -- not turned on
  equal(listed(made(layers.window(true)[1], config)), "0 1 2 3")
  config.use_sliding_window = true
  equal(listed(made(list, config)), "0 1 2 3")
  equal(made(size, config), 7)
  config.max_window_layers = 3
  equal(listed(made(list, config)), "3")
  config.layer_types = { "sliding_attention", "full_attention", "sliding_attention", "full_attention" }
  equal(listed(made(list, config)), "0 2")
  config.layer_types = { "full_attention", "full_attention" }
  equal(listed(made(list, config)), "")
  equal(made(size, config), nil)
  config.layer_types = { "chunked_attention" }
  local nothing, reason = made(list, config)
  assert(nothing == nil and reason == "supported are full_attention and sliding_attention")
  config.use_sliding_window = false
  config.layer_types = nil
  equal(made(layers.window(true)[1], config), nil)
end

local function near(got, wanted)
  assert(math.abs(got - wanted) < 1e-12, got .. " instead of " .. wanted)
end

function T.rope_scaling()
  local rule, scored = rope.scaling(false), rope.scaling(true)
  equal(made(rule, { rope_parameters = { rope_type = "default", rope_theta = 3 } }), nil)
  equal(made(rule, {}), nil)
  local line = made(rule, { rope_scaling = { type = "linear", factor = 4 } })
  assert(line.kind == "linear" and line.factor == 4)
  local config = {
    max_position_embeddings = 100,
    rope_parameters = { rope_type = "default" },
    rope_scaling = { type = "yarn", factor = 40, mscale = 0.5, mscale_all_dim = 1.0, beta_fast = 16 },
  }
  local yarn = made(rule, config)
  assert(yarn.kind == "yarn" and yarn.original_positions == 100 and yarn.beta_fast == 16 and yarn.beta_slow == nil)
  near(yarn.amplitude, (0.05 * math.log(40) + 1) / (0.1 * math.log(40) + 1))
  equal(yarn.score_scale, nil)
  near(made(scored, config).score_scale, (0.1 * math.log(40) + 1) ^ 2)
  config.rope_scaling = { type = "yarn", factor = 2, original_max_position_embeddings = 50 }
  near(made(rule, config).amplitude, 0.1 * math.log(2) + 1)
  equal(made(rule, config).original_positions, 50)
  config.rope_scaling.attention_factor = 1.5
  equal(made(rule, config).amplitude, 1.5)
  config.rope_scaling = { type = "longrope", factor = 2 }
  local nothing, reason = made(rule, config)
  assert(nothing == nil and reason:find("yarn", 1, true))
end

function T.partial_rotation()
  local rule = rope.partial(0.5)
  equal(made(rule, { head_dim = 128 }), 64)
  equal(made(rule, { hidden_size = 64, num_attention_heads = 4 }), 8)
  equal(made(rule, { head_dim = 128, partial_rotary_factor = 0.25 }), 32)
  equal(made(rule, { head_dim = 128, rope_parameters = { partial_rotary_factor = 1.0 } }), nil)
  equal(made(rule, {}), nil)
end

function T.later_tables_lie_over_earlier_ones()
  local base = { "a", k = 1, l = 1 }
  local got = hub.with(base, { k = 2, "b" }, { k = 3, "c", "d" })
  equal(table.concat(got, " "), "a b c d")
  equal(got.k * 10 + got.l, 31)
  equal(#base * 10 + base.k, 11)
end

function T.feed_forwards_have_three_matrices()
  local names = tensors.feed_forward("shared", "b.")
  equal(names.shared_gate .. " " .. names.shared_up .. " " .. names.shared_down,
    "b.gate_proj.weight b.up_proj.weight b.down_proj.weight")
end

function T.rules_of_several_families()
  equal(made(hub.output_bias, { attention_bias = true }), true)
  equal(made(hub.output_bias, {}), nil)
  equal(made(hub.shared_hidden, { n_shared_experts = 3, moe_intermediate_size = 5 }), 15)
  equal(made(hub.shared_hidden, { moe_intermediate_size = 5 }), 5)
  equal(made(hub.shared_hidden, { n_shared_experts = 3 }), nil)
end

function T.experts_have_two_forms()
  local forms = tensors.experts("layer.{layer}.")
  equal(forms.expert_up[1], "layer.{layer}.experts.{expert}.up_proj.weight")
  equal(forms.expert_up[2].name, forms.expert_gate[2].name)
  equal(table.concat(forms.expert_up[2].stack, " "), "expert_gate expert_up")
end

return T
