--- serial: for ranks that hold attention and experts alike: each micro-batch passes through a layer
--- before the next one does. All ranks have the same list, hence the same order of moves.
local M = {}

local function each(microbatches, parts)
  local items = {}
  for m = 0, microbatches - 1 do
    for _, part in ipairs(parts) do
      items[#items + 1] = { part = part, microbatch = m, lag = 0 }
    end
  end
  return items
end

---@param layers integer
---@param microbatches integer
---@return table[] loops
function M.all(layers, microbatches)
  local parts = { "attention", "dispatch", "experts", "combine" }
  return {
    { layers = { 0, 1 }, items = each(microbatches, { "embed" }) },
    { layers = { 0, layers }, items = each(microbatches, parts) },
    { layers = { layers, layers + 1 }, items = each(microbatches, { "head" }) },
  }
end

return M
