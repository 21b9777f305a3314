--- auto: asks for the price of plans of all other strategies, coarsely at first, then around the best, and
--- takes the cheapest; says what it tried, what came second and why, and whether separation pays.
local candidates = require("lib.candidates")
local explore = require("lib.explore")
local why = require("lib.why")

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
    { name = "questions", type = "integer", doc = "prices asked for at most; default: by the number of GPUs" },
  },
}

local SEPARATED = "ma-separation"

local units = {
  wave = "a wave", throughput = "a wave", decode = "a decode step", prefill = "a prefill",
}

---Seconds that shall be least. A wave is a prefill, which yields a first token, and a decode step for each
---further one.
local function scores(workload, purpose)
  local steps = math.max(0, workload.context - workload.prefill - 1)
  return ({
    decode = function(t) return t.tpot end,
    prefill = function(t) return t.prefill end,
  })[purpose] or function(t)
    return t.prefill + steps * t.tpot
  end, steps
end

local function percent(more, than)
  return string.format("%.3g %%", 100 * (more / than - 1))
end

---What makes the difference to the one that came second.
local function deciding(best, other, steps, purpose)
  local prefill = other.price.prefill - best.price.prefill
  local decode = steps * (other.price.tpot - best.price.tpot)
  if purpose == "prefill" or (purpose ~= "decode" and prefill >= decode) then
    return string.format("the prefill decides, %s against %s", why.time(best.price.prefill),
      why.time(other.price.prefill))
  end
  return string.format("decoding decides, %s a step against %s", why.time(best.price.tpot),
    why.time(other.price.tpot))
end

---The best of these strategies, or nil.
local function best_of(e, wanted)
  local best
  for _, name in ipairs(candidates.strategies()) do
    local one = e.found[name][1]
    if one and wanted(name) and (not best or one.score < best.score) then
      best = one
    end
  end
  return best
end

local function tell_choice(list, best, other, steps, purpose)
  local reason = string.format("priced least: %s %s", why.time(best.score), units[purpose])
  if other then
    reason = reason .. "; " .. deciding(best, other, steps, purpose)
  end
  why.add(list, candidates.text(best.candidate), reason,
    other and string.format("%s: %s, %s more", candidates.text(other.candidate), why.time(other.score),
      percent(other.score, best.score)))
end

local function tell_separation(list, separated, other, purpose)
  if not separated or not other then
    why.add(list, separated and "separation" or "no separation", "nothing else can be planned here")
    return
  end
  local pays = separated.score < other.score
  local best, second = separated, other
  if not pays then
    best, second = other, separated
  end
  why.add(list, pays and "separation pays" or "separation does not pay",
    string.format("the best %s takes %s more: %s against %s %s", pays and "without it" or "with it",
      percent(second.score, best.score), why.time(second.score), why.time(best.score), units[purpose]),
    candidates.text(second.candidate))
end

local function tell_search(list, e)
  local parts, asked, overflow, behind, left = {}, 0, 0, 0, 0
  for _, name in ipairs(candidates.strategies()) do
    local t = e.tally[name]
    asked = asked + t.asked
    overflow, behind, left = overflow + t.overflow, behind + t.behind, left + t.left
    parts[#parts + 1] = string.format("%s %d of %d", name, t.asked, t.seen)
  end
  why.add(list, asked .. " plans priced", string.format(
    "%s; of the others %d are too large for memory, %d no better by a lower bound, %d left out",
    table.concat(parts, ", "), overflow, behind, left))
end

local function last_reason(e)
  local reason
  for _, name in ipairs(candidates.strategies()) do
    reason = e.tally[name].reason or reason
  end
  return reason
end

---How many questions: they cost more the more ranks there are.
local function questions_of(inputs, options)
  return options.questions or math.max(12, math.min(640, 12288 // #inputs.topology.slots))
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
  local score, steps = scores(inputs.workload, purpose)
  local e = explore.begin(inputs, price, score, questions_of(inputs, options))
  local grid = {}
  for _, name in ipairs(candidates.strategies()) do
    local own = candidates.grid(inputs, name)
    table.move(own, 1, #own, #grid + 1, grid)
  end
  explore.coarse(e, grid)
  explore.refine(e, 3)
  local best = best_of(e, function() return true end)
  if not best then
    return nil, "no plan of any strategy fits; " .. (last_reason(e) or "weights and cache are too much")
  end
  local list, separated = {}, e.found[SEPARATED][1]
  local other = best_of(e, function(name) return name ~= best.candidate.strategy end)
  tell_choice(list, best, other, steps, purpose)
  tell_separation(list, separated, best_of(e, function(name) return name ~= SEPARATED end), purpose)
  tell_search(list, e)
  local plan, reason = explore.plan(e, best.candidate)
  if plan then
    plan.why = table.move(plan.why, 1, #plan.why, #list + 1, list)
  end
  return plan, reason
end

return M
