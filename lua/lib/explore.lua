--- Asking what candidates cost, the most promising first, and keeping what came out. No question is asked twice, none
--- about what cannot fit, nor about what a lower bound puts behind the best of its strategy.
local bound = require("lib.bound")
local candidates = require("lib.candidates")
local estimate = require("lib.estimate")
local near = require("lib.near")
local spaces = require("lib.spaces")

local M = {}

local REFUSED <const> = 0.1 -- of the work of a price is a refusal: it is lowered, but not played
local LARGEST <const> = 1500 -- work of a question; of more, the planner's memory might not be enough

---@class Tried
---@field candidate PlanCandidate
---@field price PlanPrice
---@field score number seconds

---@class Tally
---@field seen integer candidates
---@field asked integer
---@field overflow integer weights and cache alone are too much
---@field behind integer the bound is no better than the best of the strategy
---@field refused integer by the strategy or by price
---@field left integer the questions were used up
---@field reason string? of the last refusal

---@class Explorer
---@field inputs table
---@field price PriceFunction
---@field score fun(times: PlanTimes): number
---@field questions number that are left, in those of small plans
---@field found table<string, Tried[]> by strategy, best first
---@field tally table<string, Tally> by strategy
---@field known table<string, boolean>

---@param inputs table
---@param price PriceFunction
---@param score fun(times: PlanTimes): number
---@param questions number
---@return Explorer
function M.begin(inputs, price, score, questions)
  local e = { inputs = inputs, price = price, score = score, questions = questions }
  e.found, e.tally, e.known = {}, {}, {}
  for _, name in ipairs(spaces.names()) do
    e.found[name] = {}
    e.tally[name] = { seen = 0, asked = 0, overflow = 0, behind = 0, refused = 0, left = 0 }
  end
  return e
end

---The plan of a candidate, or nil and a reason.
function M.plan(e, candidate)
  local strategy = require("strategies." .. candidate.strategy)
  return strategy.plan(e.inputs, candidates.options(candidate), e.price)
end

local function insert(list, one)
  local at = #list + 1
  while at > 1 and one.score < list[at - 1].score do
    at = at - 1
  end
  table.insert(list, at, one)
end

---@param e Explorer
---@param candidate PlanCandidate
---@return Tried?
---@return boolean? heavy there was too little memory for it
function M.try(e, candidate)
  local tally, found = e.tally[candidate.strategy], e.found[candidate.strategy]
  local least = e.score(bound.times(e.inputs, candidate.shape))
  if found[1] and least >= found[1].score then
    tally.behind = tally.behind + 1
    return
  end
  local work = candidates.work(e.inputs, candidate)
  if e.questions < 1 or work > LARGEST then
    tally.left = tally.left + 1
  else
    tally.asked = tally.asked + 1
    local price = e.price(M.plan(e, candidate))
    e.questions = e.questions - (price.ok and work or math.max(1, work * REFUSED))
    if price.ok then
      local one = { candidate = candidate, price = price, score = e.score(price) }
      insert(found, one)
      return one
    end
    tally.refused, tally.reason = tally.refused + 1, price.reason
    return nil, (price.memory or 0) > 1
  end
end

---Whether a candidate is new and might fit.
---@param e Explorer
---@param candidate PlanCandidate
---@return boolean
function M.worth(e, candidate)
  local key, tally = candidates.key(candidate), e.tally[candidate.strategy]
  if e.known[key] then
    return false
  end
  e.known[key] = true
  tally.seen = tally.seen + 1
  if bound.overflows(e.inputs, candidate.shape) then
    tally.overflow = tally.overflow + 1
    return false
  end
  return true
end

---The same about lighter and lighter ones while memory is too little.
local function fit(e, candidate)
  local _, heavy = M.try(e, candidate)
  while heavy do
    candidate = near.lighter(e.inputs, candidate)
    if not candidate or not M.worth(e, candidate) then
      return
    end
    _, heavy = M.try(e, candidate)
  end
end

---Ask about these candidates in the order of their estimates: a few of each strategy in any case, so that
---each has a best one, then whichever promise most, until half of the questions are left.
---@param e Explorer
---@param list PlanCandidate[]
function M.coarse(e, list)
  local order = {}
  for _, candidate in ipairs(list) do
    if M.worth(e, candidate) then
      order[#order + 1] = { candidate, e.score(estimate.times(e.inputs, candidate)) }
    end
  end
  table.sort(order, function(a, b)
    return a[2] < b[2]
  end)
  local all, rest, spent = e.questions, {}, {}
  for _, one in ipairs(order) do
    local strategy, before = one[1].strategy, e.questions
    if (spent[strategy] or 0) < all / 24 then
      fit(e, one[1])
      spent[strategy] = (spent[strategy] or 0) + before - e.questions
    else
      rest[#rest + 1] = one[1]
    end
  end
  local kept = math.min(e.questions, all / 2)
  e.questions = e.questions - kept
  for _, candidate in ipairs(rest) do
    fit(e, candidate)
  end
  e.questions = e.questions + kept
end

return M
