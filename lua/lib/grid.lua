--- The coarse grid of a strategy: degrees that divide the GPUs or are powers of two, and few choices.
local candidates = require("lib.candidates")
local spaces = require("lib.spaces")

local M = {}

local values_of = spaces.values_of

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
function M.of(inputs, strategy)
  local list, gpus, space = {}, #inputs.topology.slots, spaces.of(strategy)
  local function choose(at, values)
    local name = space.choices[at]
    if not name then
      list[#list + 1] = candidates.make(inputs, strategy, values)
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

return M
