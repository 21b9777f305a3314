--- hierarchical: reduce-scatter inside the nodes, all-reduce along the rails, all-gather inside the
--- nodes. There are as many rails as the node with the fewest members has; piece r travels on rail
--- r. Further members of larger nodes own no piece: they give in the first stage and receive in the
--- last.
local nodes_of = require("lib.nodes")

local M = { sharded = false }

---Stages without sets of two or more ranks move nothing and are left out.
local function add_stage(stages, primitive, sets)
  local kept = {}
  for _, set in ipairs(sets) do
    if #set.ranks > 1 then
      kept[#kept + 1] = set
    end
  end
  if #kept > 0 then
    stages[#stages + 1] = { primitive = primitive, sets = kept }
  end
end

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local nodes = nodes_of.split(members, node_of)
  local rails = #members
  for _, ranks in ipairs(nodes) do
    rails = math.min(rails, #ranks)
  end
  local inside, along, back = {}, {}, {}
  for k, ranks in ipairs(nodes) do
    inside[k] = { ranks = ranks, pieces = {} }
    back[k] = { ranks = ranks, pieces = {} }
    for i = 1, #ranks do
      local owned = i <= rails and { i - 1, i } or { rails, rails }
      inside[k].pieces[i], back[k].pieces[i] = owned, owned
    end
  end
  for r = 1, rails do
    along[r] = { ranks = {}, pieces = {} }
    for k, ranks in ipairs(nodes) do
      along[r].ranks[k], along[r].pieces[k] = ranks[r], { r - 1, r }
    end
  end
  local stages = {}
  add_stage(stages, "reduce_scatter", inside)
  add_stage(stages, "all_reduce", along)
  add_stage(stages, "all_gather", back)
  return { pieces = rails, unit = "element", stages = stages }
end

return M
