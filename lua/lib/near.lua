--- What is next to a candidate: one choice or degree changed, or two degrees that make up for each other.
local candidates = require("lib.candidates")
local spaces = require("lib.spaces")

local M = {}

local values_of = spaces.values_of

---Values next to an integer of 1 or more; of large ones only half and twice as much.
local function around(value)
  local list, all = {}, { value * 2, value // 2 }
  if value < 8 then
    all = { value + 1, value - 1, value * 2, value // 2 }
  end
  for _, near in ipairs(all) do
    list[#list + 1] = near >= 1 and near ~= value and near or nil
  end
  return list
end

---What a candidate may be changed to, one choice or degree at a time, then in two degrees that make up for
---each other. Each item is a list of alternatives.
---@param c PlanCandidate
---@return table<string, any>[][]
function M.changes(c)
  local list, space, v = {}, spaces.of(c.strategy), c.values
  local function add(name, values)
    local alternatives = {}
    for i, value in ipairs(values) do
      alternatives[i] = { [name] = value }
    end
    list[#list + 1] = alternatives
  end
  for _, name in ipairs(space.degrees) do
    add(name, { v[name] + 1, v[name] - 1, v[name] * 2, v[name] // 2 }) -- what is illegal is left out
  end
  for i, name in ipairs(space.degrees) do
    for j, other in ipairs(space.degrees) do
      if i ~= j then
        list[#list + 1] = {
          { [name] = v[name] * 2, [other] = v[other] // 2 },
          { [name] = v[name] + 1, [other] = v[other] - 1 },
        }
      end
    end
  end
  for _, name in ipairs(space.choices) do
    add(name, values_of[name] or around(v[name]))
  end
  return list
end

---A candidate with some values changed, or nil.
---@param inputs table
---@param c PlanCandidate
---@param change table<string, any>
---@return PlanCandidate?
function M.changed(inputs, c, change)
  local values = {}
  for _, from in ipairs({ c.values, change }) do
    for name, value in pairs(from) do
      values[name] = value
    end
  end
  if change.attention and c.values.groups == c.values.attention then
    values.groups = change.attention -- groups of one stay so
  end
  return candidates.make(inputs, c.strategy, values)
end

---A candidate like this one that needs less memory at a time: with twice as many parts of the batch, first in
---prefill, whose windows are the largest. Nil where there are no more.
---@param inputs table
---@param c PlanCandidate
---@return PlanCandidate?
function M.lighter(inputs, c)
  for _, name in ipairs({ "prefill_microbatches", "decode_microbatches" }) do
    local lighter = M.changed(inputs, c, { [name] = 2 * c.values[name] })
    if lighter then
      return lighter
    end
  end
end

return M
