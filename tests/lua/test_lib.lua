-- Splits, placement, search.
local holders = require("lib.holders")
local place = require("lib.place")
local search = require("lib.search")
local split = require("lib.split")

local function equal(list, text)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = tostring(value)
  end
  local got = table.concat(parts, " ")
  assert(got == text, got .. " instead of " .. text)
end

local function cluster(...)
  local slots = {}
  for node, gpus in ipairs({ ... }) do
    for gpu = 0, gpus - 1 do
      slots[#slots + 1] = { node = node - 1, gpu = gpu }
    end
  end
  return slots
end

local function names(slots)
  local list = {}
  for i, slot in ipairs(slots) do
    list[i] = slot.node .. "." .. slot.gpu
  end
  return list
end

local T = {}

function T.descending_counts()
  equal(split.descending(32, 12), "3 3 3 3 3 3 3 3 2 2 2 2")
  equal(split.descending(8, 5), "2 2 2 1 1")
  equal(split.descending(16, 3), "6 5 5")
  equal(split.descending(3, 3), "1 1 1")
end

function T.floor_ranges_cover_once()
  for total = 0, 20 do
    for parts = 1, 7 do
      local at = 0
      for _, range in ipairs(split.floor(total, parts)) do
        assert(range[1] == at and range[2] >= at)
        at = range[2]
      end
      assert(at == total)
    end
  end
end

function T.spread_takes_the_last_gpu_of_each_node()
  equal(names(place.slots(cluster(4, 4, 4, 4), 12, 4, "spread")),
    "0.0 0.1 0.2 1.0 1.1 1.2 2.0 2.1 2.2 3.0 3.1 3.2 0.3 1.3 2.3 3.3")
  equal(names(place.slots(cluster(4, 4), 4, 4, "spread")), "0.0 0.1 1.0 1.1 0.2 0.3 1.2 1.3")
  equal(names(place.slots(cluster(2, 1, 2), 3, 2, "spread")), "0.0 0.1 2.0 1.0 2.1")
  equal(names(place.slots(cluster(1, 4), 1, 4, "spread")), "1.0 0.0 1.1 1.2 1.3")
end

function T.packed_takes_the_last_node()
  equal(names(place.slots(cluster(4, 4, 4, 4), 12, 4, "packed")),
    "0.0 0.1 0.2 0.3 1.0 1.1 1.2 1.3 2.0 2.1 2.2 2.3 3.0 3.1 3.2 3.3")
end

function T.copies_have_blocks_of_their_own_and_the_rest_is_idle()
  local ranks, idle = place.ranks({ slots = cluster(4, 3) }, 2, function(block)
    return { block[1], block[2] }
  end)
  equal(names(ranks), "0.0 0.1 0.3 1.0")
  equal(names(idle), "0.2 1.1 1.2")
end

function T.groups_split_heads_and_requests()
  local groups = holders.groups({ heads = 8 }, 5, 2, 7)
  equal(groups[1].requests, "0 3")
  equal(groups[2].requests, "3 7")
  assert(#groups[1].members == 3 and #groups[2].members == 2)
  equal(groups[1].members[3].heads, "6 8")
  assert(groups[2].members[1].rank == 3)
end

function T.search_keeps_runners_up()
  local found = search.best({
    { name = "a", values = { 1, 2, 3 } },
    { name = "b", values = function(c)
      return { c.a, 10 }
    end },
  }, function(c)
    if c.a == 1 then
      return nil, "one is odd"
    end
    return c.a + c.b
  end)
  assert(found.best.a == 2 and found.best.b == 2 and found.score == 4)
  assert(found.others.a.value == 3 and found.others.a.score == 6)
  assert(found.others.b.value == 3)
  local none, reason = search.best({ { name = "a", values = { 1 } } }, function()
    return nil, "no way"
  end)
  assert(none == nil and reason == "no way")
end

return T
