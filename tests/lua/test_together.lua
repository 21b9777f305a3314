-- tp and ep: what they plan, and what they decline.
local ep = require("strategies.ep")
local pipeline = require("orders.pipeline")
local pp = require("strategies.pp")
local tp = require("strategies.tp")
local tp_pp = require("strategies.tp-pp")

local function inputs(batch)
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
  return {
    model = {
      layers = 4, hidden = 64, heads = 8, kv_heads = 4, head_dim = 8, vocabulary = 512,
      experts = 8, expert_hidden = 128, dense_layers = {}, dense_hidden = 0, shared_hidden = 0,
      rope_dim = 8, value_dim = 8, kv_latent = 0, q_latent = 0, top_k = 2, gated = true, tie_embeddings = false,
    },
    topology = {
      slots = slots,
      nodes = { kind },
      network = { latency = 5e-6, oversubscription = 1.0 },
    },
    workload = { batch = batch or 48, prefill = 64, context = 128, dtype = "f32" },
  }
end

local function plan(strategy, given, batch)
  local options = {}
  for _, option in ipairs(strategy.options) do
    options[option.name] = option.default
  end
  for name, value in pairs(given) do
    options[name] = value
  end
  return strategy.plan(inputs(batch), options)
end

local function declines(strategy, given, part, batch)
  local result, reason = plan(strategy, given, batch)
  assert(result == nil and reason:find(part, 1, true), reason)
end

local T = {}

function T.tp_cuts_every_expert_over_all_ranks()
  local p = assert(plan(tp, { tp = 5 }))
  local stage = p.stages[1]
  assert(#stage.attention == 1 and #stage.attention[1].members == 5)
  assert(#stage.experts == 8 * 5)
  assert(stage.experts[5].columns[1] == 103 and stage.experts[5].columns[2] == 128)
  for _, move in ipairs(p.steps[1].moves) do
    assert(move.kind ~= "dispatch" and move.kind ~= "combine")
  end
end

function T.ep_deals_experts_over_groups()
  local p = assert(plan(ep, { ep = 3 }))
  assert(#p.stages[1].attention == 3 and #p.stages[1].experts == 8)
  p = assert(plan(ep, { ep = 4, tp = 2 }))
  assert(#p.stages[1].attention == 4 and #p.stages[1].experts == 8 * 2)
end

function T.ep_makes_replicas_of_few_experts()
  local p = assert(plan(ep, { ep = 12 }))
  local replicas = 0
  for _, expert in ipairs(p.stages[1].experts) do
    replicas = replicas + expert.replica
  end
  assert(#p.stages[1].experts == 12 and replicas == 4)
end

function T.stages_divide_layers_and_ranks()
  local p = assert(plan(tp_pp, { tp = 2, pp = 3, microbatches = 2 }))
  assert(#p.stages == 3 and #p.ranks == 6)
  assert(p.stages[1].layers[2] == 2 and p.stages[3].layers[1] == 3)
  assert(p.stages[2].attention[1].members[1].rank == 2)
  assert(p.embedding[2].rank == 1 and p.head[1].rank == 4)
  assert(#assert(plan(pp, {})).stages == 4)
end

-- Every list follows micro-batches, so that with nothing buffered some move can always proceed.
function T.pipelines_come_to_their_end()
  for stages = 1, 4 do
    for microbatches = 1, 4 do
      local lists, at = {}, {}
      for s = 1, stages do
        lists[s], at[s] = {}, 1
        for _, loop in ipairs(pipeline.stage({ s, s + 1 }, microbatches, s == 1, s == stages)) do
          for _, item in ipairs(loop.items) do
            local move = item.part == "send" and "h" .. s or item.part == "receive" and "h" .. s - 1
              or item.part == "tokens" and stages > 1 and "t"
            if move then
              table.insert(lists[s], move .. "." .. item.microbatch)
            end
          end
        end
      end
      local moved = true
      while moved do
        moved = false
        for a = 1, stages do
          for b = a + 1, stages do
            if lists[a][at[a]] and lists[a][at[a]] == lists[b][at[b]] then
              at[a], at[b], moved = at[a] + 1, at[b] + 1, true
            end
          end
        end
      end
      for s = 1, stages do
        assert(at[s] > #lists[s], "stage " .. s .. " of " .. stages .. " waits for ever")
      end
    end
  end
end

function T.all_gpus_are_the_default()
  assert(#assert(plan(ep, {})).ranks == 16)
  assert(#assert(plan(tp, { dp = 2 })).ranks == 16)
end

function T.declines_with_a_reason()
  declines(tp, {}, "more than the 8 query heads")
  declines(tp, { tp = 20 }, "do not fit on the 16 GPUs")
  declines(tp, { tp = 0 }, "1 or more")
  declines(pp, { pp = 5 }, "more than the 4 layers")
  declines(tp_pp, { tp = 8, pp = 3 }, "do not fit")
  declines(ep, { ep = 8 }, "some would have none", 4)
  declines(ep, { ep = 2, microbatches = 9 }, "leave some empty", 8)
end

return T
