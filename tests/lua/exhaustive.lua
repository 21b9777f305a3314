--- A strategy that plans nothing: it asks for the price of everything in a reduced space (all degrees, few
--- micro-batches), lets auto choose, and declines with what it found: "good" if nothing that it saw is better
--- than auto's choice by more than 2 %, and no lower bound was above the low case of a price.
local auto = require("strategies.auto")
local bound = require("lib.bound")
local candidates = require("lib.candidates")
local explore = require("lib.explore")

local values_of = {
  output = { "flat", "hierarchical", "sharded" },
  placement = { "spread", "packed" },
  moves = { false, "exact" },
  prefill_microbatches = { 1, 2 },
  decode_microbatches = { 1, 2 },
}

local function each_choice(values, names, at, visit)
  local name = names[at]
  if not name then
    return visit(values)
  end
  for _, value in ipairs(values_of[name]) do
    values[name] = value
    each_choice(values, names, at + 1, visit)
  end
  values[name] = nil
end

local function each(gpus, visit)
  local function choices(strategy, degrees, ...)
    degrees.embedding = "copied"
    each_choice(degrees, { ... }, 1, function(values)
      visit(strategy, values)
    end)
  end
  for dp = 1, gpus do
    for a = 1, gpus // dp do
      choices("tp", { dp = dp, tp = a }, "output", "prefill_microbatches", "decode_microbatches")
      choices("pp", { dp = dp, pp = a }, "prefill_microbatches", "decode_microbatches")
      for b = 1, gpus // dp // a do
        choices("tp-pp", { dp = dp, tp = a, pp = b }, "output", "prefill_microbatches", "decode_microbatches")
        choices("ep", { dp = dp, ep = a, tp = b }, "output", "moves", "prefill_microbatches", "decode_microbatches")
      end
      for b = 1, gpus // dp - a do
        for groups = 1, a do
          choices("ma-separation",
            { dp = dp, attention = a, experts = b, groups = groups, prefill_microbatches = 2 },
            "placement", "output", "moves", "decode_microbatches")
        end
      end
    end
  end
end

local function plan(inputs, options, price)
  local steps = inputs.workload.context - inputs.workload.prefill - 1
  local function score(times)
    return options["for"] == "wave" and times.prefill + steps * times.tpot
      or options["for"] == "decode" and times.tpot or times.prefill
  end
  local best, text, broken, known, count = math.huge, "nothing", {}, {}, 0
  each(#inputs.topology.slots, function(strategy, values)
    local c = candidates.make(inputs, strategy, values)
    if not c or known[candidates.key(c)] then
      return
    end
    known[candidates.key(c)], count = true, count + 1
    local one, least = price(explore.plan({ inputs = inputs }, c)), bound.times(inputs, c.shape)
    if one.ok and (bound.overflows(inputs, c.shape) or least.tpot > one.low.tpot
        or least.prefill > one.low.prefill) then
      broken[#broken + 1] = candidates.text(c)
    end
    if one.ok and score(one) < best then
      best, text = score(one), candidates.text(c)
    end
  end)
  local chosen = score(price(auto.plan(inputs, options, price)))
  local good = #broken == 0 and chosen <= 1.02 * best
  return nil, string.format("%s: auto %.4g s; best of %d %.4g s: %s; %d bounds are broken %s",
    good and "good" or "bad", chosen, count, best, text, #broken, broken[1] or "")
end

return { plan = plan, options = auto.options }
