--- The moves of a step: collectives within request groups, dispatch and combine between all.
local flat = require("collectives.flat")
local gather = require("collectives.gather")
local ways = require("lib.ways")

local M = {}

local function group_move(kind, group, name, expansion)
  return {
    kind = kind,
    group = group,
    algorithm = name,
    pieces = expansion.pieces,
    unit = expansion.unit,
    stages = expansion.stages,
    stream = "collectives",
  }
end

---Dispatch or combine. All pairs at once have no stages.
local function exchange_move(kind, ranks, options)
  local name = options.exchange or "direct"
  local move = {
    kind = kind,
    group = -1,
    algorithm = name,
    mode = options.mode,
    chunk = options.chunk,
    in_flight = options.in_flight,
    stream = kind,
  }
  if name ~= "direct" then
    move.stages, move.pieces =
      ways.expand(name, options.stages, ranks, options.ranks_per_copy, kind == "combine")
  end
  return move
end

---@class MovesOptions
---@field output string name of the collective of attention outputs
---@field embedding "copied"|"split"
---@field mode "padded"|"exact"
---@field chunk integer tokens a transfer, 0: all at once
---@field in_flight integer
---@field handover boolean? the plan has several stages
---@field ffn boolean? the model has feed-forwards that all tokens pass: their parts are summed
---@field norm boolean? the model norms queries and keys over all heads: their squares are summed
---@field exchange string? name of the algorithm of dispatch and combine; default: direct
---@field stages table[]? of the plan, where that is not direct
---@field ranks_per_copy integer? likewise
---@field coincide boolean? the only group's members hold the experts: their results are summed, not sent

---A group of a single member has nothing to move within it.
---@param groups table[] request groups of the plan
---@param ranks table[] ranks of the plan
---@param options MovesOptions
---@return table[]
function M.of(groups, ranks, options)
  local output = require("collectives." .. options.output)
  local function node_of(rank)
    return ranks[rank + 1].node
  end
  local moves = {}
  for g, group in ipairs(groups) do
    local members = {}
    for j, member in ipairs(group.members) do
      members[j] = member.rank
    end
    if #members > 1 then
      local function add(kind, name, algorithm)
        moves[#moves + 1] = group_move(kind, g - 1, name, algorithm.expand(members, node_of))
      end
      add("attention_output", options.output, output)
      if output.gather then
        add("gather", options.output, { expand = output.gather })
      else
        add("gather", "gather", gather)
      end
      if options.coincide or options.ffn then
        add("ffn_output", options.output, output)
      end
      if options.norm then
        add("norm", "flat", flat)
      end
      if options.embedding == "split" then
        add("embedding", options.output, output)
      end
    end
  end
  for _, kind in ipairs(options.coincide and {} or { "dispatch", "combine" }) do
    moves[#moves + 1] = exchange_move(kind, ranks, options)
  end
  if options.handover then
    moves[#moves + 1] = { kind = "handover", group = -1, algorithm = "direct", stream = "dispatch" }
  end
  return moves
end

return M
