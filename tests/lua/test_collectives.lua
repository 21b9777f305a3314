-- What the expanded algorithms compute: followed piece by piece as sets of contributions.
local flat = require("collectives.flat")
local gather = require("collectives.gather")
local hierarchical = require("collectives.hierarchical")
local outputs = require("lib.outputs")
local sharded = require("collectives.sharded")

---Contributions as a bit mask; they may be added only once.
local function add(a, b)
  assert(a & b == 0, "a contribution is added twice")
  return a | b
end

local run = {}

function run.all_reduce(state, set)
  local sums = {}
  for piece = set.pieces[1][1], set.pieces[1][2] - 1 do
    sums[piece] = 0
    for _, rank in ipairs(set.ranks) do
      sums[piece] = add(sums[piece], state[rank][piece])
    end
  end
  for i, rank in ipairs(set.ranks) do
    assert(set.pieces[i][1] == set.pieces[1][1] and set.pieces[i][2] == set.pieces[1][2])
    for piece, sum in pairs(sums) do
      state[rank][piece] = sum
    end
  end
end

function run.reduce_scatter(state, set)
  local results = {}
  for i, owner in ipairs(set.ranks) do
    for piece = set.pieces[i][1], set.pieces[i][2] - 1 do
      local sum = 0
      for _, rank in ipairs(set.ranks) do
        sum = add(sum, state[rank][piece])
      end
      results[#results + 1] = { owner = owner, piece = piece, sum = sum }
    end
  end
  for _, rank in ipairs(set.ranks) do
    for piece in pairs(state[rank]) do
      state[rank][piece] = nil -- what is not owned is not defined any more
    end
  end
  for _, result in ipairs(results) do
    state[result.owner][result.piece] = result.sum
  end
end

function run.all_gather(state, set)
  for i, owner in ipairs(set.ranks) do
    for piece = set.pieces[i][1], set.pieces[i][2] - 1 do
      for _, rank in ipairs(set.ranks) do
        state[rank][piece] = assert(state[owner][piece], "an owner has nothing to give")
      end
    end
  end
end

---All at once: what is sent is what was there before the stage.
function run.transfers(state, set)
  local sent, member, got = {}, {}, {}
  for i, rank in ipairs(set.ranks) do
    assert(i == 1 or rank > set.ranks[i - 1], "members ascend")
    member[rank], got[rank] = true, {}
  end
  for i, t in ipairs(set.transfers) do
    assert(member[t.from] and member[t.to] and t.from ~= t.to and t.pieces[1] < t.pieces[2])
    sent[i] = {}
    for piece = t.pieces[1], t.pieces[2] - 1 do
      sent[i][piece] = assert(state[t.from][piece], "a sender has nothing to give")
    end
  end
  for i, t in ipairs(set.transfers) do
    for piece = t.pieces[1], t.pieces[2] - 1 do
      assert(not got[t.to][piece] or (got[t.to][piece] == "sum" and t.reduce == "sum"), "a copy stands alone")
      got[t.to][piece] = t.reduce
      state[t.to][piece] = t.reduce == "sum" and add(state[t.to][piece], sent[i][piece]) or sent[i][piece]
    end
  end
end

---Run an expansion over n members; nodes[i] is the node of member i. Returns pieces by member.
local function follow(algorithm, nodes, expand, owned)
  local members = {}
  for i = 1, #nodes do
    members[i] = 10 + i
  end
  local expansion = (expand or algorithm.expand)(members, function(rank)
    return nodes[rank - 10]
  end)
  local state = {}
  for i, rank in ipairs(members) do
    state[rank] = {}
    for piece = 0, expansion.pieces - 1 do
      if not owned or piece * #nodes // expansion.pieces == i - 1 then
        state[rank][piece] = 1 << i
      end
    end
  end
  for _, stage in ipairs(expansion.stages) do
    local seen = {}
    for _, set in ipairs(stage.sets) do
      assert(#set.ranks > 1 and (set.transfers or #set.pieces == #set.ranks))
      for _, rank in ipairs(set.ranks) do
        assert(not seen[rank], "sets of a stage overlap")
        seen[rank] = true
      end
      run[stage.primitive](state, set)
    end
  end
  return state, expansion, members
end

local layouts = {
  { 0, 0 }, { 0, 1 }, { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3 }, { 0, 0, 0, 1, 1 }, { 0, 0, 0, 1 },
  { 0, 1, 2, 3 }, { 0, 0, 0, 0 }, { 0, 0, 1, 1, 1, 1, 2, 2, 2 }, { 0, 0, 0 }, { 0, 0, 1, 1, 1 },
  { 0, 0, 0, 0, 1, 1 }, { 0, 1, 0, 1, 0, 1, 1 }, { 0, 0, 0, 0, 1, 1, 1, 1 },
  { 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3 },
}

local function whole(n)
  return ((1 << n) - 1) << 1
end

local T = {}

function T.all_reduces_give_all_the_sum()
  for _, name in ipairs(outputs.replicated) do
    local algorithm = require("collectives." .. name)
    for _, nodes in ipairs(layouts) do
      local state, expansion, members = follow(algorithm, nodes)
      for _, rank in ipairs(members) do
        for piece = 0, expansion.pieces - 1 do
          assert(state[rank][piece] == whole(#nodes), "a sum is not complete")
        end
      end
    end
  end
end

function T.sharded_leaves_each_its_rows()
  for _, name in ipairs(outputs.sharded) do
    local algorithm = require("collectives." .. name)
    assert(algorithm.sharded)
    for _, nodes in ipairs(layouts) do
      local state, expansion, members = follow(algorithm, nodes)
      assert(expansion.unit == "row" and expansion.pieces == #nodes)
      for i, rank in ipairs(members) do
        assert(state[rank][i - 1] == whole(#nodes))
      end
    end
  end
end

---All members end with what each owned of every piece.
local function gathers(algorithm, expand)
  for _, nodes in ipairs(layouts) do
    local state, expansion, members = follow(algorithm, nodes, expand, true)
    assert(expansion.unit == "row" and expansion.pieces % #nodes == 0)
    for _, rank in ipairs(members) do
      for piece = 0, expansion.pieces - 1 do
        assert(state[rank][piece] == 1 << (piece * #nodes // expansion.pieces + 1))
      end
    end
  end
end

function T.gathers_spread_each_owners_rows()
  gathers(gather)
  local own = 0
  for _, list in ipairs({ outputs.replicated, outputs.sharded }) do
    for _, name in ipairs(list) do
      local algorithm = require("collectives." .. name)
      if algorithm.gather then
        gathers(algorithm, algorithm.gather)
        own = own + 1
      end
    end
  end
  assert(own >= 3)
end

---Edges between different nodes that a stage's transfers use in each direction.
local function crossings(stage, nodes)
  local count = 0
  for _, set in ipairs(stage.sets) do
    for _, t in ipairs(set.transfers) do
      count = count + (nodes[t.from - 10] ~= nodes[t.to - 10] and 1 or 0)
    end
  end
  return count
end

function T.ring_enters_each_node_once()
  local nodes = { 0, 1, 2, 0, 1, 2, 2 }
  local _, expansion = follow(require("collectives.ring"), nodes)
  assert(#expansion.stages == 2 * 6)
  for _, stage in ipairs(expansion.stages) do
    assert(#stage.sets == 1 and crossings(stage, nodes) == 3)
  end
end

function T.recursive_takes_the_logarithm_of_stages()
  for n, stages in pairs({ [2] = 2, [3] = 4, [4] = 4, [5] = 6, [8] = 6, [12] = 8, [16] = 8 }) do
    local nodes = {}
    for i = 1, n do
      nodes[i] = i // 4
    end
    local recursive = require("collectives.recursive")
    local _, expansion = follow(recursive, nodes)
    assert(#expansion.stages == stages)
    local _, gathered = follow(recursive, nodes, recursive.gather, true)
    assert(1 << #gathered.stages >= n and 1 << (#gathered.stages - 1) < n)
  end
end

function T.recursive_sends_most_inside_nodes()
  local nodes = { 0, 0, 1, 1 }
  local _, expansion = follow(require("collectives.recursive"), nodes)
  assert(crossings(expansion.stages[1], nodes) == 0 and #expansion.stages[1].sets == 2)
  assert(crossings(expansion.stages[2], nodes) == 4)
end

---Stages in the middle have chunks in several phases: sums and copies at once, inside nodes and between.
function T.pipelined_overlaps_phases()
  local nodes = { 0, 0, 0, 1, 1, 1 }
  local _, expansion = follow(require("collectives.pipelined"), nodes)
  local kinds = {}
  for _, set in ipairs(expansion.stages[4].sets) do
    for _, t in ipairs(set.transfers) do
      kinds[t.reduce .. (nodes[t.from - 10] == nodes[t.to - 10] and " inside" or " between")] = true
    end
  end
  assert(kinds["sum inside"] and kinds["sum between"] and kinds["copy inside"] and kinds["copy between"])
  local _, one = follow(require("collectives.pipelined"), { 0, 0, 0 })
  assert(#one.stages == 5)
end

function T.hierarchical_has_as_many_rails_as_the_smallest_node()
  local _, expansion = follow(hierarchical, { 0, 0, 0, 1, 1 })
  assert(expansion.pieces == 2 and #expansion.stages == 3)
  assert(expansion.stages[2].primitive == "all_reduce" and #expansion.stages[2].sets == 2)
end

function T.hierarchical_drops_what_moves_nothing()
  local _, one_node = follow(hierarchical, { 0, 0, 0, 0 })
  assert(#one_node.stages == 2 and one_node.stages[2].primitive == "all_gather")
  local _, one_each = follow(hierarchical, { 0, 1, 2, 3 })
  assert(#one_each.stages == 1 and one_each.stages[1].primitive == "all_reduce")
end

return T
