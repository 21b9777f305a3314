-- Where rows go: each way followed from rank to rank, stage by stage.
local aggregated = require("exchanges.aggregated")
local pairwise = require("exchanges.pairwise")
local ways = require("lib.ways")

---Follow the stages; all that a sender has for a receiver comes to it once, by ranks that have it by then.
---@return integer[] sends a rank, receives a rank: the most in a stage
local function follow(stages, senders, receivers)
  local has, most = {}, { 0, 0 }
  local function key(way)
    return way.sender .. ">" .. way.receiver
  end
  for _, sender in ipairs(senders) do
    for _, receiver in ipairs(receivers) do
      has[sender .. ">" .. receiver] = { [sender] = true }
    end
  end
  for _, stage in ipairs(stages) do
    local came, out, into = {}, {}, {}
    for _, way in ipairs(stage) do
      assert(way.from ~= way.to and has[key(way)][way.from], "it is not there")
      assert(not has[key(way)][way.to], "it comes twice")
      came[#came + 1] = way
      out[way.from], into[way.to] = out[way.from] or {}, into[way.to] or {}
      out[way.from][way.to], into[way.to][way.from] = true, true
    end
    for _, way in ipairs(came) do
      has[key(way)][way.to] = true
    end
    for i, side in ipairs({ out, into }) do
      for _, partners in pairs(side) do
        local count = 0
        for _ in pairs(partners) do
          count = count + 1
        end
        most[i] = math.max(most[i], count)
      end
    end
  end
  for _, sender in ipairs(senders) do
    for _, receiver in ipairs(receivers) do
      assert(has[sender .. ">" .. receiver][receiver], "it never comes")
    end
  end
  return most
end

local function ranks(first, last)
  local list = {}
  for rank = first, last do
    list[#list + 1] = rank
  end
  return list
end

---Senders and receivers: the same, apart, and some of both.
local function each(visit)
  for _, n in ipairs({ 2, 3, 4, 5, 6, 8, 12, 16 }) do
    visit(ranks(0, n - 1), ranks(0, n - 1))
    visit(ranks(0, n - 1), ranks(n, n + n // 2))
    visit(ranks(n // 2, n + 3), ranks(0, n - 1))
  end
end

local T = {}

function T.pairwise_has_one_partner_at_a_time()
  each(function(senders, receivers)
    local stages = pairwise.expand(senders, receivers)
    assert(#stages == math.max(#senders, #receivers))
    local most = follow(stages, senders, receivers)
    assert(most[1] <= 1 and most[2] <= 1)
  end)
end

---Nodes of four, or what is given.
local function place_of(size)
  return function(rank)
    return { node = rank // size, gpu = rank % size }
  end
end

function T.aggregated_reaches_all()
  for _, size in ipairs({ 1, 2, 3, 4, 8 }) do
    each(function(senders, receivers)
      local stages = aggregated.expand(senders, receivers, place_of(size))
      assert(#stages == 2)
      follow(stages, senders, receivers)
    end)
  end
end

function T.aggregated_crosses_once_a_node_and_rail()
  local stages = aggregated.expand(ranks(0, 15), ranks(0, 15), place_of(4))
  for _, way in ipairs(stages[1]) do
    assert(way.from // 4 == way.to // 4, "the first stage stays inside")
  end
  local partners = {}
  for _, way in ipairs(stages[2]) do
    assert(way.from % 4 == way.to % 4 and way.from // 4 ~= way.to // 4, "the second one goes along rails")
    partners[way.to] = partners[way.to] or {}
    partners[way.to][way.from] = true
  end
  for rank = 0, 15 do
    local count = 0
    for _ in pairs(partners[rank]) do
      count = count + 1
    end
    assert(count == 3, "one partner for each other node")
  end
end

function T.a_rail_without_a_rank_is_shared_out()
  local function place(rank) -- owners on a node without its last GPUs, holders on another one
    return rank < 3 and { node = 0, gpu = rank } or { node = 1, gpu = rank - 2 }
  end
  local stages = aggregated.expand(ranks(0, 2), ranks(3, 5), place)
  local by = {}
  for _, way in ipairs(stages[2]) do
    by[way.to] = way.from
  end
  assert(by[3] == 1 and by[4] == 2 and by[5] == 0)
  follow(stages, ranks(0, 2), ranks(3, 5))
end

function T.ways_become_pieces_of_owner_and_holder()
  local plan = {
    { attention = { { members = { { rank = 0 }, { rank = 1 } } } }, experts = { { rank = 2 }, { rank = 2 }, { rank = 1 } } },
  }
  local at = {}
  for rank = 0, 2 do
    at[rank + 1] = { node = 0, gpu = rank }
  end
  for _, back in ipairs({ false, true }) do
    local stages, pieces = ways.expand("pairwise", plan, at, 3, back)
    local seen = {}
    assert(pieces == 9)
    for _, stage in ipairs(stages) do
      for _, set in ipairs(stage.sets) do
        for _, t in ipairs(set.transfers) do
          local owner, holder = t.pieces[1] // 3, t.pieces[1] % 3
          assert(t.reduce == "copy" and t.pieces[2] == t.pieces[1] + 1)
          assert(t.from == (back and holder or owner) and t.to == (back and owner or holder))
          seen[owner .. ">" .. holder] = true
        end
      end
    end
    assert(seen["0>1"] and seen["0>2"] and seen["1>2"] and not seen["1>1"])
  end
end

function T.exact_moves_are_not_passed_on()
  assert(ways.obstacle("direct", { prefill = "exact", decode = "exact" }) == nil)
  assert(ways.obstacle("pairwise", { prefill = "exact", decode = "exact" }) == nil)
  assert(ways.obstacle("aggregated", { prefill = "padded", decode = "padded" }) == nil)
  assert(ways.obstacle("aggregated", { prefill = "exact", decode = "padded" }):find("prefill are exact", 1, true))
end

return T
