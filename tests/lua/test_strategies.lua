-- The strategies: what they plan for given options, and what they decline.
local separation = require("strategies.ma-separation")
local single = require("strategies.single")

local function inputs(changes)
  local kind = {
    nics = 1,
    nic_bandwidth = 25e9,
    gpu = { memory = 80 << 30, flops = 312e12, flops_f32 = 19.5e12, bandwidth = 2e12 },
    link = { bandwidth = 300e9, latency = 2e-6 },
  }
  local slots = {}
  for i = 0, 15 do
    slots[i + 1] = { node = i // 4, gpu = i % 4, kind = kind }
  end
  local all = {
    model = {
      layers = 4, hidden = 256, heads = 32, kv_heads = 32, head_dim = 8, vocabulary = 1000,
      experts = 16, expert_hidden = 1024, dense_layers = {}, dense_hidden = 0, shared_hidden = 0,
      rope_dim = 8, value_dim = 8, kv_latent = 0, q_latent = 0, top_k = 2, gated = false, tie_embeddings = true,
    },
    topology = {
      slots = slots,
      nodes = { kind },
      network = { latency = 5e-6, oversubscription = 1.0 },
    },
    workload = { batch = 48, prefill = 64, context = 128, dtype = "f32" },
  }
  for key, value in pairs(changes or {}) do
    all.model[key] = all.model[key] and value
    all.workload[key] = all.workload[key] and value
  end
  return all
end

local function options(given)
  local all = {}
  for _, option in ipairs(separation.options) do
    all[option.name] = option.default
  end
  for name, value in pairs(given) do
    all[name] = value
  end
  return all
end

local function plan(given, changes)
  return separation.plan(inputs(changes), options(given))
end

local function declines(given, part, changes)
  local result, reason = plan(given, changes)
  assert(result == nil, "planned, but should decline")
  assert(reason:find(part, 1, true), reason)
end

local T = {}

function T.every_grid_is_covered_once()
  for attention = 1, 15 do
    for groups = 1, attention do
      local p = assert(plan({ attention = attention, groups = groups, microbatches = 1 }))
      local stage, requests = p.stages[1], 0
      for _, group in ipairs(stage.attention) do
        local heads = 0
        for _, member in ipairs(group.members) do
          assert(member.heads[1] == heads and member.heads[2] > heads)
          heads = member.heads[2]
        end
        assert(heads == 32 and group.requests[1] == requests)
        requests = group.requests[2]
      end
      assert(requests == 48 and #stage.experts == 16 and #p.ranks == 16)
    end
  end
end

function T.what_is_not_given_is_chosen_and_explained()
  local p = assert(plan({}))
  assert(#p.why == 9)
  for _, why in ipairs(p.why) do
    assert(why.reason ~= "" and why.where:find("choose.lua:%d"))
  end
  assert(p.why[1].runner_up ~= "")
end

local function exchange_modes(p)
  local modes = {}
  for i, step in ipairs(p.steps) do
    modes[i] = step.moves[#step.moves].mode .. " " .. step.moves[#step.moves - 1].mode
  end
  return table.concat(modes, ", ")
end

function T.moves_are_exact_in_prefill_unless_told()
  assert(exchange_modes(assert(plan({}))) == "exact exact, padded padded")
  assert(exchange_modes(assert(plan({ moves = "padded" }))) == "padded padded, padded padded")
  assert(exchange_modes(assert(plan({ moves = "exact" }))) == "exact exact, exact exact")
end

function T.given_numbers_stand()
  local p = assert(plan({
    attention = 6,
    experts = 2,
    groups = 3,
    prefill_microbatches = 3,
    decode_microbatches = 2,
  }))
  assert(p.ranks_per_copy == 8 and #p.idle == 8 and #p.stages[1].attention == 3)
  assert(p.steps[1].microbatches == 3 and p.steps[2].microbatches == 2)
  assert(#p.steps[1].moves == 3 * 2 + 2)
  assert(p.why[1].reason == "as asked for")
end

function T.uneven_experts()
  local p = assert(plan({ attention = 4, balance = "9+5+2" }))
  local held = p.stages[1].experts
  assert(p.ranks_per_copy == 7)
  assert(held[1].rank == 4 and held[9].rank == 4 and held[10].rank == 5 and held[16].rank == 6)
  declines({ balance = "9+5" }, "adds up to 14")
  declines({ balance = "9+x" }, "write even")
end

function T.sharded_output_shards_the_residual()
  assert(plan({ attention = 12, groups = 1, output = "sharded" }).residual == "sharded")
  assert(plan({ attention = 12, groups = 1, output = "flat" }).residual == "replicated")
end

function T.embedding_split_needs_a_move()
  local p = assert(plan({ attention = 12, groups = 1, output = "flat", embedding = "split" }))
  assert(p.steps[1].moves[3].kind == "embedding" and p.embedding[2].entries[1] == 1000 // 12)
  assert(assert(plan({ attention = 12, groups = 1 })).embedding[2].entries[1] == 0)
end

function T.declines_with_a_reason()
  declines({ ranks = 17 }, "do not fit on the 16 GPUs")
  declines({ attention = 10, experts = 4, ranks = 16 }, "do not make ranks=16")
  declines({ attention = 8, experts = 8 }, "so some would hold nothing", { experts = 4 })
  declines({ attention = 12, groups = 1 }, "query heads", { heads = 8 })
  declines({ attention = 12, groups = 1 }, "vocabulary entries", { vocabulary = 11 })
  declines({ attention = 4, groups = 5 }, "do not make 5 request groups")
  declines({ attention = 12, groups = 12 }, "share 6 requests", { batch = 6 })
  declines({ attention = 12, groups = 12, microbatches = 5 }, "would leave some empty")
  declines({ dp = 17 }, "dp=17")
  declines({ attention = 4, groups = 0 }, "do not make 0 request groups")
  declines({ attention = 0 }, "at least one attention rank")
  declines({ attention = 16 }, "at least one attention rank", { batch = 6 })
  declines({ attention = 4, microbatches = 0 }, "0 micro-batches")
  declines({ attention = 4, in_flight = 0 }, "in_flight 1 or more")
  declines({ dp = 16 }, "needs two GPUs")
  declines({}, "no division of 16 GPUs a copy holds", { expert_hidden = 1 << 24 })
end

function T.copies_share_one_structure()
  local p = assert(plan({ dp = 2, attention = 6 }))
  assert(p.copies == 2 and p.ranks_per_copy == 8 and #p.ranks == 16)
  assert(p.stages[1].attention[#p.stages[1].attention].requests[2] == 24)
end

function T.single_holds_all()
  local p = assert(single.plan(inputs(), { microbatches = 3 }))
  assert(#p.ranks == 1 and #p.idle == 15 and #p.stages[1].experts == 16)
  local none, reason = single.plan(inputs(), { microbatches = 0 })
  assert(none == nil and reason:find("0 micro%-batches"))
end

return T
