--- From the best that was found on a coarse grid to what is best around it.
local candidates = require("lib.candidates")
local explore = require("lib.explore")
local near = require("lib.near")
local spaces = require("lib.spaces")

local M = {}

local GAIN <const> = 0.999 -- a change must take less than this share of the time to be worth a step

---From a candidate uphill, a choice at a time, until no change makes it noticeably better.
---@param e Explorer
---@param from Tried
local function climb(e, from)
  local still, at = 0, 1
  while true do
    local changes, better = near.changes(from.candidate), from
    for _, change in ipairs(changes[at]) do
      local candidate = near.changed(e.inputs, from.candidate, change)
      local one = candidate and explore.worth(e, candidate) and explore.try(e, candidate)
      better = one and one.score < (better == from and GAIN or 1) * better.score and one or better
    end
    still = better == from and still + 1 or 0
    if still == #changes then
      return
    end
    from, at = better, at % #changes + 1
  end
end

---Climb from the best candidates that differ in their degrees, first from the best of each strategy, the
---best strategy first.
---@param e Explorer
---@param most integer starts of a strategy
function M.from_best(e, most)
  local starts = {}
  for _, name in ipairs(spaces.names()) do
    local known, count = {}, 0
    for _, one in ipairs(e.found[name]) do
      local degrees = candidates.degrees(one.candidate)
      if count < most and not known[degrees] then
        known[degrees], count = true, count + 1
        starts[#starts + 1] = { one, count }
      end
    end
  end
  table.sort(starts, function(a, b)
    return a[2] < b[2] or (a[2] == b[2] and a[1].score < b[1].score)
  end)
  for _, start in ipairs(starts) do
    climb(e, start[1])
  end
end

---The best with the collective of each phase chosen by price, where that is better still: all the others have
---one for both.
---@param e Explorer
---@param from Tried
---@return Tried
function M.by_phase(e, from)
  local candidate = from.candidate.values.output and from.candidate.shape.members > 1
    and near.changed(e.inputs, from.candidate, { output = "best" })
  local one = candidate and explore.try(e, candidate)
  return one and one.score < from.score and one or from
end

return M
