--- What a search says: what it took and why, whether separation pays, what it tried.
local candidates = require("lib.candidates")
local spaces = require("lib.spaces")
local why = require("lib.why")

local M = {}

local units = {
  wave = "a wave", throughput = "a wave", decode = "a decode step", prefill = "a prefill",
}

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

---@param list table[] why[] of the plan
---@param best Tried
---@param other Tried? the best of another strategy
---@param steps integer decode steps of a wave
---@param purpose string
function M.choice(list, best, other, steps, purpose)
  local reason = string.format("priced least: %s %s", why.time(best.score), units[purpose])
  if other then
    reason = reason .. "; " .. deciding(best, other, steps, purpose)
  end
  why.add(list, candidates.text(best.candidate), reason,
    other and string.format("%s: %s, %s more", candidates.text(other.candidate), why.time(other.score),
      percent(other.score, best.score)), 2)
end

---@param list table[]
---@param separated Tried?
---@param other Tried? the best that does not separate
---@param purpose string
function M.separation(list, separated, other, purpose)
  if not separated or not other then
    why.add(list, separated and "separation" or "no separation", "there is no plan of the other kind to compare with", nil, 2)
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
    candidates.text(second.candidate), 2)
end

---@param list table[]
---@param e Explorer
function M.search(list, e)
  local parts, asked, overflow, behind, left = {}, 0, 0, 0, 0
  for _, name in ipairs(spaces.names()) do
    local t = e.tally[name]
    asked = asked + t.asked
    overflow, behind, left = overflow + t.overflow, behind + t.behind, left + t.left
    parts[#parts + 1] = string.format("%s %d of %d", name, t.asked, t.seen)
  end
  why.add(list, asked .. " plans priced", string.format(
    "%s; of the others %d are too large for memory, %d no better by a lower bound, %d left out",
    table.concat(parts, ", "), overflow, behind, left), nil, 2)
end

return M
