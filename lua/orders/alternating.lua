--- alternating: attention ranks and expert ranks take turns on the micro-batches, so that one works
--- while the other's results travel.
---
--- Why no rank ever waits in a circle, even with no buffering and with each rank running its list
--- serially: both lists name the moves (D: dispatch, C: combine; l: layer, m: micro-batch) in the
--- same total order
---
---   D(0,0) .. D(0,M-1),
---   for l = 1 .. L-1: C(l-1,0) D(l,0) C(l-1,1) D(l,1) .. C(l-1,M-1) D(l,M-1),
---   C(L-1,0) .. C(L-1,M-1).
---
--- Attention ranks write it down directly. Expert ranks put their work X(l,m) between D(l,m) and
--- C(l,m): C(l,0) follows D(l,M-1) in the order, so it stands at the end of layer l, and C(l,m) for
--- m > 0 stands in the next layer (lag 1) right after D(l+1,m-1); X(l,m) comes right after the
--- combine that follows D(l,m), hence before C(l,m) for M >= 2. With M = 1 each layer is D X C. The
--- first move in the total order that is not done has all its ranks at it, because what precedes it
--- in their lists is done or is local work: so some move can always proceed.
local M = {}

local function item(part, microbatch, lag)
  return { part = part, microbatch = microbatch, lag = lag or 0 }
end

local function add(items, ...)
  for _, one in ipairs({ ... }) do
    items[#items + 1] = one
  end
end

local function add_loop(loops, first, last, items)
  if first < last and #items > 0 then
    loops[#loops + 1] = { layers = { first, last }, items = items }
  end
end

---@param layers integer
---@param microbatches integer
---@return table[] loops
function M.attention(layers, microbatches)
  local first, middle, final = {}, {}, {}
  for m = 0, microbatches - 1 do
    add(first, item("embed", m), item("attention", m), item("dispatch", m))
    add(middle, item("combine", m, 1), item("attention", m), item("dispatch", m))
    add(final, item("combine", m, 1), item("head", m))
  end
  local loops = {}
  add_loop(loops, 0, 1, first)
  add_loop(loops, 1, layers, middle)
  add_loop(loops, layers, layers + 1, final)
  return loops
end

---@param layers integer
---@param microbatches integer
---@return table[] loops
function M.experts(layers, microbatches)
  local loops, last = {}, microbatches - 1
  if microbatches == 1 then
    add_loop(loops, 0, layers, { item("dispatch", 0), item("experts", 0), item("combine", 0) })
    return loops
  end
  local first, middle, final = {}, {}, {}
  for m = 0, last do
    local experts = item("experts", m)
    if m < last then
      add(first, item("dispatch", m), experts)
      add(middle, item("dispatch", m), item("combine", m + 1, 1), experts)
    else
      add(first, item("dispatch", m), item("combine", 0), experts)
      add(middle, item("dispatch", m), item("combine", 0), experts)
    end
    if m > 0 then
      add(final, item("combine", m, 1))
    end
  end
  add_loop(loops, 0, 1, first)
  add_loop(loops, 1, layers, middle)
  add_loop(loops, layers, layers + 1, final)
  return loops
end

return M
