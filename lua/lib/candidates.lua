--- The plans that may be asked about: for each strategy its options, a coarse grid of degrees, and
--- what is near a candidate.
local split = require("lib.split")

local M = {}

local MOST_PARTS <const> = 16 -- micro-batches; a question about more takes long and promises little

---@class PlanCandidate
---@field strategy string
---@field values table<string, any> of the options that are varied
---@field shape BoundShape

---Degrees of each strategy, outermost first, and what else it lets one choose.
local spaces = {
  { name = "single", degrees = {}, choices = { "microbatches" } },
  { name = "tp", degrees = { "dp", "tp" }, choices = { "output", "microbatches", "embedding" } },
  { name = "pp", degrees = { "dp", "pp" }, choices = { "microbatches" } },
  { name = "tp-pp", degrees = { "dp", "tp", "pp" }, choices = { "output", "microbatches", "embedding" } },
  { name = "ep", degrees = { "dp", "ep", "tp" }, choices = { "output", "moves", "microbatches", "embedding" } },
  {
    name = "ma-separation",
    degrees = { "dp", "attention", "experts" },
    choices = {
      "groups", "placement", "output", "moves", "prefill_microbatches", "decode_microbatches", "embedding",
    },
  },
}

local values_of = {
  output = { "flat", "hierarchical", "sharded" },
  placement = { "spread", "packed" },
  moves = { false, "padded", "exact" }, -- false: exact in prefill, padded in decode
  embedding = { "copied", "split" },
}

local function space_of(name)
  for _, space in ipairs(spaces) do
    if space.name == name then
      return space
    end
  end
end

---@return string[]
function M.strategies()
  local names = {}
  for i, space in ipairs(spaces) do
    names[i] = space.name
  end
  return names
end

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
  local space, parts = space_of(c.strategy), { c.strategy }
  for _, list in ipairs({ space.degrees, space.choices }) do
    for _, name in ipairs(list) do
      parts[#parts + 1] = tostring(c.values[name])
    end
  end
  return table.concat(parts, " ")
end

---"tp:dp=2,tp=8", as -s takes it: without what the strategy takes by default.
---@param c PlanCandidate
---@return string
function M.text(c)
  local parts = {}
  for _, option in ipairs(require("strategies." .. c.strategy).options) do
    local value = c.values[option.name]
    if value and value ~= option.default then
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
    if math.type(value) == "integer" and value < 1 then
      return nil
    end
  end
  local separated = strategy == "ma-separation"
  local shape = {
    copies = v.dp or 1,
    stages = v.pp or 1,
    groups = separated and v.groups or v.ep or 1,
    members = separated and split.ceil(v.attention, v.groups) or v.tp or 1,
    experts = v.experts,
    microbatches = {
      prefill = v.prefill_microbatches or v.microbatches or 1,
      decode = v.decode_microbatches or v.microbatches or 1,
    },
  }
  local ranks = separated and v.attention + v.experts or shape.stages * shape.groups * shape.members
  local requests = split.ceil(inputs.workload.batch, shape.copies) // shape.groups
  local most = math.max(shape.microbatches.prefill, shape.microbatches.decode)
  local trivial = v.pp == 1 or v.ep == 1 or (v.pp and v.tp == 1) -- another strategy's
  if trivial or ranks * shape.copies > #inputs.topology.slots or shape.copies > inputs.workload.batch
    or shape.stages > model.layers or shape.members > math.min(model.heads, model.expert_hidden)
    or most > math.min(requests, MOST_PARTS) or (separated and (v.experts > model.experts or v.groups > v.attention)) then
    return nil
  end
  if shape.members == 1 then
    v.output, v.embedding = v.output and "flat", v.embedding and "copied"
  end
  return { strategy = strategy, values = v, shape = shape }
end

local function nice(n) -- divisors of n and powers of two up to it
  local list = {}
  for k = 1, n do
    list[#list + 1] = (n % k == 0 or k & (k - 1) == 0) and k or nil
  end
  return list
end

---Visit every combination of these degrees whose product is at most `gpus`.
local function each_product(degrees, at, gpus, chosen, visit)
  local name = degrees[at]
  if not name then
    return visit(chosen)
  end
  for _, value in ipairs(nice(gpus)) do
    if value > 1 or name == "dp" or (name == "tp" and at == #degrees) then
      chosen[name] = value
      each_product(degrees, at + 1, gpus // value, chosen, visit)
    end
  end
  chosen[name] = nil
end

---Separations: all GPUs of a copy, by the smaller side's size.
local function each_separation(gpus, visit)
  for _, dp in ipairs(nice(gpus)) do
    local ranks, last = gpus // dp, 0
    for _, less in ipairs(nice(ranks - 1)) do
      for _, attention in ipairs({ less, ranks - less }) do
        if attention ~= last and ranks > 1 then
          last = attention
          for _, groups in ipairs(nice(attention)) do
            visit({ dp = dp, attention = attention, experts = ranks - attention, groups = groups })
          end
        end
      end
    end
  end
end

---Choices that a degree can be good with and bad without; all others begin with the first of their kind.
local coarse = { output = { "flat", "sharded" }, moves = { false, "exact" } }

---The coarse grid of a strategy: its degrees, and few of its choices.
---@param inputs table
---@param strategy string
---@return PlanCandidate[]
function M.grid(inputs, strategy)
  local list, gpus, space = {}, #inputs.topology.slots, space_of(strategy)
  local function choose(at, values)
    local name = space.choices[at]
    if not name then
      list[#list + 1] = M.make(inputs, strategy, values)
    elseif values[name] ~= nil then -- a degree
      choose(at + 1, values)
    else
      for _, value in ipairs(coarse[name] or { values_of[name] and values_of[name][1] or 1 }) do
        values[name] = value
        choose(at + 1, values)
      end
      values[name] = nil
    end
  end
  local function add(degrees)
    choose(1, degrees)
  end
  if strategy == "ma-separation" then
    each_separation(gpus, add)
  else
    each_product(space.degrees, 1, gpus, {}, add)
  end
  return list
end

---The degrees of a candidate as text.
---@param c PlanCandidate
---@return string
function M.degrees(c)
  local parts = { c.strategy, tostring(c.values.groups) }
  for _, name in ipairs(space_of(c.strategy).degrees) do
    parts[#parts + 1] = tostring(c.values[name])
  end
  return table.concat(parts, " ")
end

---Values next to an integer of 1 or more; of large ones only half and twice as much.
local function around(value)
  local list = {}
  for _, near in ipairs(value < 8 and { value + 1, value - 1, value * 2, value // 2 } or { value * 2, value // 2 }) do
    list[#list + 1] = near >= 1 and near ~= value and near or nil
  end
  return list
end

---What a candidate may be changed to, one choice or degree at a time, then in two degrees that make up for
---each other. Each item is a list of alternatives.
---@param c PlanCandidate
---@return table<string, any>[][]
function M.changes(c)
  local list, space, v = {}, space_of(c.strategy), c.values
  local function add(name, values)
    local alternatives = {}
    for i, value in ipairs(values) do
      alternatives[i] = { [name] = value }
    end
    list[#list + 1] = alternatives
  end
  for _, name in ipairs(space.degrees) do
    add(name, v[name] < 8 and around(v[name]) or { v[name] + 1, v[name] - 1, v[name] * 2, v[name] // 2 })
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
  return M.make(inputs, c.strategy, values)
end

return M
