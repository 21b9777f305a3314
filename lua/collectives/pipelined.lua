--- pipelined: a hierarchical sum in chunks that follow each other through four phases, so that links inside nodes
--- and NICs between them work at the same time: parts are added inside the nodes, along the rails, then the
--- sums are spread along the rails and inside the nodes. There are as many rails as the node with the fewest
--- members has; further members give in the first phase and receive in the last.
local nodes_of = require("lib.nodes")
local transfers = require("lib.transfers")

local CHUNKS <const> = 4 -- three more stages than chunks; more of them cost more launches than they hide

local M = { sharded = false }

---Phases as functions of the first piece of a chunk, which has rails x nodes pieces, rail by rail.
local function phases(nodes, rails)
  local function rail(first, r) -- pieces of a rail
    return first + (r - 1) * #nodes, first + r * #nodes
  end
  local function inside(list, first, sums)
    for _, ranks in ipairs(nodes) do
      for r = 1, rails do
        for i, rank in ipairs(ranks) do
          if i ~= r and sums then
            list[#list + 1] = transfers.sum(rank, ranks[r], rail(first, r))
          elseif i ~= r then
            list[#list + 1] = transfers.copy(ranks[r], rank, rail(first, r))
          end
        end
      end
    end
  end
  local function along(list, first, sums)
    for r = 1, rails do
      for a, from in ipairs(nodes) do
        for b, to in ipairs(nodes) do
          if a ~= b then
            local piece = rail(first, r) + (sums and b or a) - 1
            list[#list + 1] = (sums and transfers.sum or transfers.copy)(from[r], to[r], piece)
          end
        end
      end
    end
  end
  return {
    function(list, first) inside(list, first, true) end,
    function(list, first) along(list, first, true) end,
    function(list, first) along(list, first, false) end,
    function(list, first) inside(list, first, false) end,
  }
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
  local stages, all, size = {}, {}, rails * #nodes
  for _, phase in ipairs(phases(nodes, rails)) do -- one node has no rails, nodes of one rank no inside
    local list = {}
    phase(list, 0)
    all[#all + 1] = #list > 0 and phase or nil
  end
  for time = 1, CHUNKS + #all - 1 do
    local list = {}
    for phase, add in ipairs(all) do
      local chunk = time - phase
      if chunk >= 0 and chunk < CHUNKS then
        add(list, chunk * size)
      end
    end
    transfers.add(stages, list)
  end
  return { pieces = CHUNKS * size, unit = "element", stages = stages }
end

return M
