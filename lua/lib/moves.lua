--- The moves of a step: collectives within request groups, dispatch and combine between all.
local gather = require("collectives.gather")

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

---@class MovesOptions
---@field output string name of the collective of attention outputs
---@field embedding "copied"|"split"
---@field mode "padded"|"exact"
---@field chunk integer tokens a transfer, 0: all at once
---@field in_flight integer
---@field handover boolean? the plan has several stages
---@field ffn boolean? the model has feed-forwards that all tokens pass: their parts are summed
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
      if options.embedding == "split" then
        add("embedding", options.output, output)
      end
    end
  end
  for _, kind in ipairs(options.coincide and {} or { "dispatch", "combine" }) do
    moves[#moves + 1] = {
      kind = kind,
      group = -1,
      algorithm = "direct",
      mode = options.mode,
      chunk = options.chunk,
      in_flight = options.in_flight,
      stream = kind,
    }
  end
  if options.handover then
    moves[#moves + 1] = { kind = "handover", group = -1, algorithm = "direct", stream = "dispatch" }
  end
  return moves
end

return M
