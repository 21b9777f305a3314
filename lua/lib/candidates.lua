--- The plans that may be asked about: what is legal of a strategy's degrees and choices (spaces.lua). Grids are
--- grid.lua's, changes near.lua's.
local holders = require("lib.holders")
local spaces = require("lib.spaces")
local split = require("lib.split")

local M = {}

local MOST_PARTS <const> = 16 -- micro-batches; a question about more takes long and promises little
local MOST_LISTED <const> = 256 -- ranks of which a plan lists who sends to whom: a list grows with their square

---@class PlanCandidate
---@field strategy string
---@field values table<string, any> of the options that are varied
---@field shape BoundShape

---All options of the strategy, as its plan function takes them.
---@param c PlanCandidate
---@return table
function M.options(c)
  local options = {}
  for _, option in ipairs(require("strategies." .. c.strategy).options) do
    options[option.name] = option.default
  end
  for name, value in pairs(c.values) do
    options[name] = value
  end
  return options
end

---What tells a candidate from others.
---@param c PlanCandidate
---@return string
function M.key(c)
  local space, parts = spaces.of(c.strategy), { c.strategy }
  for _, list in ipairs({ space.degrees, space.choices }) do
    for _, name in ipairs(list) do
      parts[#parts + 1] = tostring(c.values[name])
    end
  end
  return table.concat(parts, " ")
end

---How much work the price of a candidate is, in those of a plan of 16 ranks, 4 layers and one part of the batch,
---by the operations that are played.
---@param inputs table
---@param c PlanCandidate
---@return number at least 1
function M.work(inputs, c)
  local shape = c.shape
  local ranks = shape.copies
    * (shape.experts and c.values.attention + shape.experts or shape.stages * shape.groups * shape.members)
  local parts = shape.microbatches.prefill + shape.microbatches.decode
  return math.max(1, ranks * inputs.model.layers * parts / (16 * 4 * 2))
end

---"tp:dp=2,tp=8", as -s takes it: without what the strategy takes by default.
---@param c PlanCandidate
---@return string
function M.text(c)
  local parts, defaults = {}, M.options({ strategy = c.strategy, values = {} })
  for _, name in ipairs(spaces.batches) do
    defaults[name] = defaults.microbatches
  end
  for _, option in ipairs(require("strategies." .. c.strategy).options) do
    local value = c.values[option.name]
    if value and value ~= defaults[option.name] then
      parts[#parts + 1] = option.name .. "=" .. value
    end
  end
  return c.strategy .. (#parts > 0 and ":" .. table.concat(parts, ",") or "")
end

---A candidate of these values, or nil where degrees exceed GPUs, requests or what there is to cut.
---Values that decide nothing are the first of their kind, so that equal plans are asked about once.
---@param inputs table
---@param strategy string
---@param values table
---@return PlanCandidate?
function M.make(inputs, strategy, values)
  local v, model = {}, inputs.model
  for name, value in pairs(values) do
    v[name] = value
    if math.type(value) == "integer" and value < 1 and name ~= "chunk" then
      return nil
    end
  end
  local separated = strategy == "ma-separation"
  if v.shared and model.shared_hidden == 0 then
    v.shared = nil -- there is none to place
  elseif v.shared == "columns" and not separated then
    v.shared = "experts"
  end
  local shape = {
    copies = v.dp or 1,
    stages = v.pp or 1,
    groups = separated and v.groups or v.ep or 1,
    members = separated and split.ceil(v.attention, v.groups) or v.tp or 1,
    experts = v.experts,
    shared = v.shared,
    microbatches = { prefill = v.prefill_microbatches or 1, decode = v.decode_microbatches or 1 },
  }
  local ranks = separated and v.attention + v.experts or shape.stages * shape.groups * shape.members
  local requests = split.ceil(inputs.workload.batch, shape.copies) // shape.groups
  if v.pp == 1 or v.ep == 1 or (v.pp and v.tp == 1) -- another strategy's
    or ranks * shape.copies > #inputs.topology.slots or shape.copies > inputs.workload.batch
    or shape.stages > model.layers or shape.members > holders.most_members(model)
    or math.max(shape.microbatches.prefill, shape.microbatches.decode) > math.min(requests, MOST_PARTS)
    or (separated and (v.experts > model.experts or v.groups > v.attention
      or (v.shared == "columns" and v.experts > model.shared_hidden)))
    or (v.exchange == "aggregated" and v.moves ~= "padded") -- it passes on windows of fixed size
    or ((v.exchange or "direct") ~= "direct" and ranks > MOST_LISTED) then
    return nil
  end
  if shape.members == 1 then
    v.output, v.embedding = v.output and "flat", v.embedding and "copied"
  end
  return { strategy = strategy, values = v, shape = shape }
end

---The degrees of a candidate as text.
---@param c PlanCandidate
---@return string
function M.degrees(c)
  local parts = { c.strategy, tostring(c.values.groups) }
  for _, name in ipairs(spaces.of(c.strategy).degrees) do
    parts[#parts + 1] = tostring(c.values[name])
  end
  return table.concat(parts, " ")
end

return M
