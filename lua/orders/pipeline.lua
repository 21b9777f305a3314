--- pipeline: stages of a pipeline take up one micro-batch after the other. Each stage receives a micro-batch, passes
--- it through its layers and hands it on; chosen tokens go back to the first stage at the end.
---
--- Why no rank ever waits in a circle, even with no buffering and with each rank running its list serially:
--- all lists follow the order of micro-batches, and within one that of stages; the tokens come after all
--- hand-overs, in order of micro-batches. The first move in that order that is not done has both its ends at
--- it.
local M = {}

local function item(part, microbatch)
  return { part = part, microbatch = microbatch, lag = 0 }
end

local function loop(first, last, ...)
  return { layers = { first, last }, items = { ... } }
end

---@param layers integer[] of the stage, half-open
---@param microbatches integer
---@param first boolean is it the first stage
---@param last boolean is it the last
---@return table[] loops
function M.stage(layers, microbatches, first, last)
  local loops, begin, finish = {}, layers[1], layers[2]
  for m = 0, microbatches - 1 do
    loops[#loops + 1] = loop(begin, begin + 1, item(first and "embed" or "receive", m))
    loops[#loops + 1] =
      loop(begin, finish, item("attention", m), item("dispatch", m), item("experts", m), item("combine", m))
    loops[#loops + 1] = loop(finish, finish + 1, item(last and "head" or "send", m))
  end
  for m = 0, (first or last) and microbatches - 1 or -1 do
    loops[#loops + 1] = loop(finish, finish + 1, item("tokens", m))
  end
  return loops
end

return M
