-- The orders: every part once, nothing before what it needs, and no deadlock without any buffering.
local alternating = require("orders.alternating")
local serial = require("orders.serial")

---Loops as a flat list of {part, microbatch, layer}.
local function flatten(loops)
  local list = {}
  for _, loop in ipairs(loops) do
    assert(loop.layers[1] < loop.layers[2] and #loop.items > 0, "an empty loop")
    for layer = loop.layers[1], loop.layers[2] - 1 do
      for _, item in ipairs(loop.items) do
        list[#list + 1] = { part = item.part, m = item.microbatch, layer = layer - item.lag }
      end
    end
  end
  return list
end

local function key(item)
  local layered = item.part ~= "embed" and item.part ~= "head"
  return string.format("%s m%d%s", item.part, item.m, layered and " l" .. item.layer or "")
end

---Positions by key; asserts that nothing occurs twice.
local function positions(list)
  local at = {}
  for i, item in ipairs(list) do
    assert(not at[key(item)], key(item) .. " occurs twice")
    at[key(item)] = i
  end
  return at
end

local function before(at, first, second)
  assert(at[first], first .. " is missing")
  assert(at[second], second .. " is missing")
  assert(at[first] < at[second], first .. " must come before " .. second)
end

local function is_move(item)
  return item.part == "dispatch" or item.part == "combine"
end

---Two kinds of rank, each running its list serially, a move done only when both are at it.
local function rendezvous(a, e)
  local i, k = 1, 1
  while a[i] or e[k] do
    if a[i] and not is_move(a[i]) then
      i = i + 1
    elseif e[k] and not is_move(e[k]) then
      k = k + 1
    else
      assert(a[i] and e[k], "one side waits for the other, which has ended")
      assert(key(a[i]) == key(e[k]), "deadlock: " .. key(a[i]) .. " against " .. key(e[k]))
      i, k = i + 1, k + 1
    end
  end
end

local function each_size(check)
  for layers = 1, 5 do
    for microbatches = 1, 5 do
      check(layers, microbatches)
    end
  end
end

local function check_attention(at, layers, microbatches)
  for m = 0, microbatches - 1 do
    local suffix = " m" .. m
    before(at, "embed" .. suffix, "attention" .. suffix .. " l0")
    for l = 0, layers - 1 do
      before(at, "attention" .. suffix .. " l" .. l, "dispatch" .. suffix .. " l" .. l)
      before(at, "dispatch" .. suffix .. " l" .. l, "combine" .. suffix .. " l" .. l)
      if l > 0 then
        before(at, "combine" .. suffix .. " l" .. l - 1, "attention" .. suffix .. " l" .. l)
      end
    end
    before(at, "combine" .. suffix .. " l" .. layers - 1, "head" .. suffix)
  end
end

local function check_experts(at, layers, microbatches)
  for m = 0, microbatches - 1 do
    for l = 0, layers - 1 do
      local suffix = " m" .. m .. " l" .. l
      before(at, "dispatch" .. suffix, "experts" .. suffix)
      before(at, "experts" .. suffix, "combine" .. suffix)
    end
  end
end

local T = {}

function T.alternating_is_complete_and_causal()
  each_size(function(layers, microbatches)
    local a = flatten(alternating.attention(layers, microbatches))
    assert(#a == layers * microbatches * 3 + 2 * microbatches)
    check_attention(positions(a), layers, microbatches)
    local e = flatten(alternating.experts(layers, microbatches))
    assert(#e == layers * microbatches * 3)
    check_experts(positions(e), layers, microbatches)
  end)
end

function T.alternating_never_deadlocks()
  each_size(function(layers, microbatches)
    local a = flatten(alternating.attention(layers, microbatches))
    rendezvous(a, flatten(alternating.experts(layers, microbatches)))
  end)
end

function T.alternating_overlaps()
  -- With two micro-batches the combine of one is asked for only after the other was dispatched.
  local at = positions(flatten(alternating.experts(3, 2)))
  before(at, "dispatch m1 l1", "combine m0 l1")
  before(at, "experts m0 l1", "dispatch m1 l1")
end

function T.a_wrong_order_would_be_seen()
  local e = flatten(alternating.experts(2, 2))
  e[1], e[3] = e[3], e[1]
  assert(not pcall(rendezvous, flatten(alternating.attention(2, 2)), e))
end

function T.serial_is_complete_and_causal()
  each_size(function(layers, microbatches)
    local list = flatten(serial.all(layers, microbatches))
    assert(#list == layers * microbatches * 4 + 2 * microbatches)
    local at = positions(list)
    check_attention(at, layers, microbatches)
    check_experts(at, layers, microbatches)
    rendezvous(list, list)
  end)
end

return T
