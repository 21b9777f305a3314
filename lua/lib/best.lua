--- The collective of each phase by price: a plan with each of them is asked about, and each phase takes the one
--- that it is fastest with. One that shards the residual stream does so in all phases: it is taken where both are
--- fastest with it.
local outputs = require("lib.outputs")
local why = require("lib.why")

local M = {}

local fields = { prefill = "prefill", decode = "tpot" }

---The fastest of a phase and the one after it.
local function two(found, field)
  local first, second
  for _, one in ipairs(found) do
    if not first or one.price[field] < first.price[field] then
      first, second = one, first
    elseif not second or one.price[field] < second.price[field] then
      second = one
    end
  end
  return first, second
end

---Both phases fastest with the same collective that shards, or nil.
local function sharding(found)
  local prefill, decode = two(found, "prefill"), two(found, "tpot")
  return prefill == decode and outputs.shards(prefill.name) and prefill.name or nil
end

---@param make fun(output: string|table<string, string>, reasons: table[]): table?, string? a plan, or nil and why
---@param price PriceFunction?
---@param reasons table[] why[] of the plan
---@return table? plan
---@return string? reason
function M.plan(make, price, reasons)
  local found, reason = {}, nil
  if not price then
    return nil, "output=best needs an answer to price(plan)"
  end
  for _, list in ipairs({ outputs.replicated, outputs.sharded }) do
    for _, name in ipairs(list) do
      local answer = price(make(name, {}))
      if answer.ok then
        found[#found + 1] = { name = name, price = answer }
      else
        reason = answer.reason
      end
    end
  end
  if #found == 0 then
    return nil, reason
  end
  local all, chosen = sharding(found), {}
  local kept = {}
  for _, one in ipairs(found) do
    kept[#kept + 1] = (all or not outputs.shards(one.name)) and one or nil
  end
  for _, phase in ipairs({ "prefill", "decode" }) do
    local first, second = two(#kept > 0 and kept or found, fields[phase])
    chosen[phase] = first.name
    why.add(reasons, string.format("%s output %s", phase, first.name),
      "priced least: " .. why.time(first.price[fields[phase]]) .. " a step",
      second and string.format("%s: %s", second.name, why.time(second.price[fields[phase]])))
  end
  return make(chosen, reasons)
end

return M
