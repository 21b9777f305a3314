--- Trying all combinations of a few choices and keeping, for each choice, the best that differs.
local M = {}

---@class Choice
---@field name string
---@field values any[] in order of preference: the first of equals wins

---@class Found
---@field best table the chosen value by name
---@field score number
---@field extra any what the scorer gave besides
---@field others table<string, {value: any, score: number}> the runner-up of each choice

---Visit every combination, the last choice varying fastest.
local function each(choices, at, current, visit)
  local choice = choices[at]
  if not choice then
    return visit(current)
  end
  local values = type(choice.values) == "function" and choice.values(current) or choice.values
  for _, value in ipairs(values) do
    current[choice.name] = value
    each(choices, at + 1, current, visit)
  end
  current[choice.name] = nil
end

---@param choices Choice[] a function as `values` gets the choices made before it
---@param score fun(candidate: table): number?, any, number?  lower is better; nil, a reason and
---  perhaps by how much: not possible
---@return Found?
---@return string? reason if nothing is possible: of what comes nearest, else the last one given
function M.best(choices, score)
  local tried, found, reason, least = {}, nil, nil, nil
  each(choices, 1, {}, function(current)
    local value, extra, lack = score(current)
    if not value then
      if lack and (not least or lack < least) or not least then
        reason, least = extra, lack or least
      end
      return
    end
    local copy = {}
    for _, choice in ipairs(choices) do
      copy[choice.name] = current[choice.name]
    end
    tried[#tried + 1] = { values = copy, score = value }
    if not found or value < found.score then
      found = { best = copy, score = value, extra = extra, others = {} }
    end
  end)
  for _, one in ipairs(found and tried or {}) do
    for _, choice in ipairs(choices) do
      local other = found.others[choice.name]
      local differs = one.values[choice.name] ~= found.best[choice.name]
      if differs and (not other or one.score < other.score) then
        found.others[choice.name] = { value = one.values[choice.name], score = one.score }
      end
    end
  end
  return found, reason
end

return M
