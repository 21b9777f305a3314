-- auto with a stand-in for price: what it asks about, what it takes, what it says, how it ends.
local spaces = require("lib.spaces")
local auto = require("strategies.auto")
local bound = require("lib.bound")
local candidates = require("lib.candidates")
local grid = require("lib.grid")

local function inputs(changes)
  local kind = {
    nics = 1, nic_bandwidth = 25e9, gpus = 4,
    gpu = { memory = 80 << 30, flops = 312e12, flops_f32 = 19.5e12, bandwidth = 2e12 },
    link = { bandwidth = 300e9, latency = 2e-6 },
  }
  local slots = {}
  for i = 0, 7 do
    slots[i + 1] = { node = i // 4, gpu = i % 4, kind = kind }
  end
  local all = {
    model = {
      layers = 4, hidden = 256, heads = 8, kv_heads = 8, head_dim = 32, vocabulary = 1000, experts = 8,
      expert_hidden = 1024, dense_layers = {}, dense_hidden = 0, shared_hidden = 0,
      rope_dim = 32, value_dim = 32, kv_latent = 0, q_latent = 0, top_k = 2, gated = false, tie_embeddings = true,
    },
    topology = { slots = slots, nodes = { kind }, network = { latency = 5e-6, oversubscription = 1.0 } },
    workload = { batch = 48, prefill = 64, context = 128, dtype = "f32" },
  }
  for key, value in pairs(changes or {}) do
    all.model[key] = all.model[key] and value
    all.workload[key] = all.workload[key] and value
  end
  return all
end

---A price by a rule over the plan; counts and keeps what it was asked.
local function stand_in(rule)
  local asked = {}
  return function(plan, reason)
    asked[#asked + 1] = plan or reason
    local prefill, tpot, memory = 1, 1, nil
    if plan then
      prefill, tpot, memory = rule(plan)
    end
    if not plan or not prefill then
      return { ok = false, reason = reason or tpot, memory = memory }
    end
    return { ok = true, prefill = prefill, tpot = tpot, memory = 0.5 }
  end, asked
end

local function run(rule, options, changes)
  local price, asked = stand_in(rule)
  options = options or {}
  options["for"] = options["for"] or "wave"
  local plan, reason = auto.plan(inputs(changes), options, price)
  return plan, reason, asked
end

local function separated(plan)
  return #plan.stages == 1 and #plan.stages[1].attention[1].members < plan.ranks_per_copy
    and plan.stages[1].experts[1].rank ~= 0
end

local T = {}

function T.what_costs_least_is_taken()
  local p = assert(run(function(plan) -- best with three stages of two
    return 1, 100 + math.abs(#plan.stages - 3) + math.abs(plan.ranks_per_copy - 6) + plan.copies
  end))
  assert(#p.stages == 3 and p.ranks_per_copy == 6 and p.copies == 1)
  assert(p.why[1].choice:find("^tp%-pp:tp=2,pp=3"), p.why[1].choice)
  assert(p.why[1].reason:find("decoding decides", 1, true))
end

function T.separation_is_said_to_pay_where_it_does()
  local function rule(plan)
    return 1, separated(plan) and 1 or 2
  end
  local p = assert(run(rule))
  assert(separated(p) and p.why[2].choice == "separation pays", p.why[2].choice)
  assert(p.why[2].reason:find("without it takes 98.4 % more", 1, true), p.why[2].reason)
  p = assert(run(function(plan)
    return 1, separated(plan) and 2 or 1
  end))
  assert(not separated(p) and p.why[2].choice == "separation does not pay")
  assert(p.why[2].runner_up:find("^ma%-separation:"))
end

function T.the_purpose_decides()
  local function rule(plan)
    return plan.copies == 2 and 1 or 9, plan.copies == 4 and 1 or 9
  end
  assert(run(rule, { ["for"] = "prefill" }).copies == 2)
  assert(run(rule, { ["for"] = "decode" }).copies == 4)
  assert(run(rule).copies == 4)
end

function T.no_more_questions_than_allowed()
  local rule = function() return 1, 1 end
  for _, questions in ipairs({ 1, 7, 40 }) do
    local p, _, asked = run(rule, { questions = questions })
    assert(p and #asked <= questions)
  end
end

local function text_of(value)
  if type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  for key, item in pairs(value) do
    parts[#parts + 1] = key .. "=" .. text_of(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function T.few_questions_are_about_equal_plans()
  local _, _, asked = run(function() return 1, 1 end)
  local known, again = {}, 0
  for _, plan in ipairs(asked) do
    plan.why = nil
    local text = text_of(plan)
    again = again + (known[text] and 1 or 0)
    known[text] = true
  end
  assert(again * 20 < #asked, again)
end

function T.if_nothing_fits_the_last_reason_is_told()
  local p, reason = run(function() return nil, "rank 0 needs 3 TB" end)
  assert(p == nil and reason:find("rank 0 needs 3 TB", 1, true), reason)
  local asked
  p, reason, asked = run(function() return 1, 1 end, nil, { batch = 1 << 30 })
  assert(p == nil and #asked == 0 and reason:find("weights and cache", 1, true), reason)
end

function T.what_is_too_heavy_is_asked_about_in_more_parts()
  local p = assert(run(function(plan) -- fits with four parts or more in prefill, costs more with each
    local parts = plan.steps[1].microbatches
    if parts < 4 then
      return nil, "rank 0 needs 3 TB", 2.0
    end
    return parts, 1
  end))
  assert(p.steps[1].microbatches == 4 and p.steps[2].microbatches == 1)
end

function T.without_a_price_it_declines()
  local p, reason = auto.plan(inputs(), { ["for"] = "wave" }, nil)
  assert(p == nil and reason:find("price", 1, true))
end

function T.candidates_are_legal_and_their_texts_differ()
  local i, known = inputs({ batch = 5 }), {}
  for _, name in ipairs(spaces.names()) do
    for _, c in ipairs(grid.of(i, name)) do
      local plan, reason = require("strategies." .. name).plan(i, candidates.options(c))
      assert(plan, candidates.text(c) .. ": " .. tostring(reason))
      assert(plan.copies * plan.ranks_per_copy <= 8)
      known[candidates.key(c)] = true
    end
  end
  assert(candidates.make(i, "tp", { dp = 6, tp = 1, prefill_microbatches = 1 }) == nil) -- six copies of five requests
  assert(candidates.make(i, "tp-pp", { dp = 1, tp = 1, pp = 2, prefill_microbatches = 1 }) == nil)
  assert(candidates.make(i, "ep", { dp = 0, ep = 2, tp = 1, prefill_microbatches = 1 }) == nil)
end

function T.bounds_fall_with_more_ranks()
  local i = inputs()
  local function times(members)
    return bound.times(i, { copies = 1, stages = 1, groups = 1, members = members,
      microbatches = { prefill = 1, decode = 1 } })
  end
  assert(times(8).prefill < times(4).prefill and times(4).tpot < times(1).tpot)
  assert(bound.overflows(inputs({ batch = 1 << 24 }), { copies = 1, stages = 1, groups = 1, members = 1,
    microbatches = { prefill = 1, decode = 1 } }))
end

return T
