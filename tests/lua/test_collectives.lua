-- What the expanded algorithms compute: followed piece by piece as sets of contributions.
local flat = require("collectives.flat")
local gather = require("collectives.gather")
local hierarchical = require("collectives.hierarchical")
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

---Run an expansion over n members; nodes[i] is the node of member i. Returns pieces by member.
local function follow(algorithm, nodes)
  local members = {}
  for i = 1, #nodes do
    members[i] = 10 + i
  end
  local expansion = algorithm.expand(members, function(rank)
    return nodes[rank - 10]
  end)
  local state = {}
  for i, rank in ipairs(members) do
    state[rank] = {}
    for piece = 0, expansion.pieces - 1 do
      state[rank][piece] = 1 << i
    end
  end
  for _, stage in ipairs(expansion.stages) do
    local seen = {}
    for _, set in ipairs(stage.sets) do
      assert(#set.ranks > 1 and #set.pieces == #set.ranks)
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
  { 0, 1, 2, 3 }, { 0, 0, 0, 0 }, { 0, 0, 1, 1, 1, 1, 2, 2, 2 },
}

local function whole(n)
  return ((1 << n) - 1) << 1
end

local T = {}

function T.all_reduces_give_all_the_sum()
  for _, algorithm in ipairs({ flat, hierarchical }) do
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
  for _, nodes in ipairs(layouts) do
    local state, expansion, members = follow(sharded, nodes)
    assert(expansion.unit == "row" and expansion.pieces == #nodes)
    for i, rank in ipairs(members) do
      assert(state[rank][i - 1] == whole(#nodes))
    end
  end
end

function T.gather_spreads_each_owners_rows()
  for _, nodes in ipairs(layouts) do
    local state, expansion, members = follow(gather, nodes)
    assert(expansion.unit == "row" and expansion.pieces == #nodes)
    for _, rank in ipairs(members) do
      for piece = 0, #nodes - 1 do
        assert(state[rank][piece] == 1 << (piece + 1))
      end
    end
  end
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
