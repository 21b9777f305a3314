--- Where the feed-forward lies that all tokens pass beside their experts: with the attention ranks, or as one more
--- expert that all tokens choose. Which of them is a question of price.
local steps = require("lib.steps")
local why = require("lib.why")

local M = {}

local docs = {
  attention = "cut over the members of each request group",
  experts = "as one more expert of each block of ranks that holds experts",
  columns = "cut over the expert ranks, which get every row",
}

---The option of a strategy.
---@param ways string[] that it has
---@return table
function M.option(ways)
  local values = table.move(ways, 1, #ways, 1, {})
  values[#values + 1] = "auto"
  local told = {}
  for _, way in ipairs(ways) do
    told[#told + 1] = way .. ": " .. docs[way]
  end
  return {
    name = "shared",
    type = "choice",
    values = values,
    default = "auto",
    doc = "the feed-forward beside the experts. " .. table.concat(told, "; ") .. "; auto: by price",
  }
end

---The ways that an option leaves open. A strategy without the option has it with attention.
---@param model table
---@param asked string? the option's value
---@param ways string[] of the strategy, the plainest first
---@return string[]
function M.open(model, asked, ways)
  if model.shared_hidden == 0 or not asked then
    return { "attention" }
  end
  return asked == "auto" and ways or { asked }
end

local function add_reason(reasons, way, best, second)
  why.add(reasons, "feed-forward beside experts with " .. (way == "attention" and way or "experts, " .. way),
    "priced least: " .. why.time(best.seconds) .. " a wave",
    second and string.format("%s: %s", second.way, why.time(second.seconds)), 2)
end

---The plan with the way that is priced least.
---@param inputs table
---@param ways string[] that are open
---@param make fun(way: string, reasons: table[], probing: boolean?): table?, string? probing: the plan is priced only
---@param price PriceFunction?
---@param reasons table[] why[] of the plan
---@return table? plan
---@return string? reason
function M.plan(inputs, ways, make, price, reasons)
  if #ways == 1 then
    return make(ways[1], reasons)
  elseif not price then
    why.add(reasons, "feed-forward beside experts with " .. ways[1], "nobody was there to price the others")
    return make(ways[1], reasons)
  end
  local best, second, refusal
  for _, way in ipairs(ways) do
    local answer = price(make(way, {}, true))
    if answer.ok then
      local one = { way = way, seconds = answer.prefill + steps.decodes(inputs.workload) * answer.tpot }
      if not best or one.seconds < best.seconds then
        best, second = one, best
      elseif not second or one.seconds < second.seconds then
        second = one
      end
    else
      refusal = answer.reason
    end
  end
  if not best then
    return nil, refusal
  end
  add_reason(reasons, best.way, best, second)
  return make(best.way, reasons)
end

return M
