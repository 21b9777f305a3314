--- auto: asks for the price of plans of all other strategies, coarsely at first, then around the best, and
--- takes the cheapest; says what it tried, what came second and why, and whether separation pays.
local climb = require("lib.climb")
local explore = require("lib.explore")
local grid = require("lib.grid")
local spaces = require("lib.spaces")
local steps = require("lib.steps")
local verdict = require("lib.verdict")

local M = {
  name = "auto",
  doc = "the cheapest of all strategies, by price",
  options = {
    {
      name = "for",
      type = "choice",
      values = { "wave", "throughput", "decode", "prefill" },
      default = "wave",
      doc = "what shall be least: time of a wave (so that throughput is most), of a decode step, of a prefill",
    },
    { name = "questions", type = "integer", doc = "prices of small plans asked for at most, fewer of large ones; default: some seconds' at most" },
  },
}

local SEPARATED = "ma-separation"

---Seconds that shall be least. A wave is a prefill, which yields a first token, and a decode step for each
---further one.
local function scores(workload, purpose)
  local count = steps.decodes(workload)
  return ({
    decode = function(t) return t.tpot end,
    prefill = function(t) return t.prefill end,
  })[purpose] or function(t)
    return t.prefill + count * t.tpot
  end, count
end

---The best of these strategies, or nil.
local function best_of(e, wanted)
  local best
  for _, name in ipairs(spaces.names()) do
    local one = e.found[name][1]
    if one and wanted(name) and (not best or one.score < best.score) then
      best = one
    end
  end
  return best
end

local function last_reason(e)
  local reason
  for _, name in ipairs(spaces.names()) do
    reason = e.tally[name].reason or reason
  end
  return reason
end

---How much may be asked, in questions about small plans: about a second's, and some questions about large plans.
local function questions_of(inputs, options)
  local one = #inputs.topology.slots * inputs.model.layers // 64 -- about a plan of one part of the batch
  return options.questions or math.max(640, math.min(24 * one, 5000))
end

---@param inputs table model, topology, workload
---@param options table
---@param price PriceFunction
---@return table? plan
---@return string? reason
function M.plan(inputs, options, price)
  if not price then
    return nil, "nobody answers price(plan) here"
  end
  local purpose = options["for"]
  local score, decodes = scores(inputs.workload, purpose)
  local e = explore.begin(inputs, price, score, questions_of(inputs, options))
  local coarse = {}
  for _, name in ipairs(spaces.names()) do
    local own = grid.of(inputs, name)
    table.move(own, 1, #own, #coarse + 1, coarse)
  end
  explore.coarse(e, coarse)
  climb.from_best(e, 3)
  local best = best_of(e, function() return true end)
  if not best then
    return nil, "no plan of any strategy fits; " .. (last_reason(e) or "weights and cache are too much")
  end
  best = climb.by_phase(e, best)
  local list, separated = {}, e.found[SEPARATED][1]
  local other = best_of(e, function(name) return name ~= best.candidate.strategy end)
  verdict.choice(list, best, other, decodes, purpose)
  verdict.separation(list, separated, best_of(e, function(name) return name ~= SEPARATED end), purpose)
  verdict.search(list, e)
  local plan, reason = explore.plan(e, best.candidate)
  if plan then
    plan.why = table.move(plan.why, 1, #plan.why, #list + 1, list)
  end
  return plan, reason
end

return M
