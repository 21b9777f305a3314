--- recursive: halving and doubling (Thakur, Rabenseifner, Gropp 2005). Partners at growing distance halve what
--- they add for each other, then pass the sums back the same way: about 2 log2(n) stages, the largest payload to
--- the nearest partner, which is on the same node where nodes are of a size. Any number of members: of those
--- beyond a power of two each gives its part to a neighbour first and gets the sums at the end. A gather needs
--- no power of two (Bruck and others 1997).
local nodes = require("lib.nodes")
local transfers = require("lib.transfers")

local M = { sharded = false }

---A power of two of members, and further ones, each with the neighbour that works for it.
---@return integer[] active
---@return {helper: integer, rank: integer}[] idle
local function divide(order)
  local power = 1
  while 2 * power <= #order do
    power = 2 * power
  end
  local active, idle, pairs_left, at = {}, {}, #order - power, 1
  while at <= #order do
    active[#active + 1] = order[at]
    if pairs_left > 0 then
      idle[#idle + 1] = { helper = order[at], rank = order[at + 1] }
      pairs_left, at = pairs_left - 1, at + 1
    end
    at = at + 1
  end
  return active, idle
end

---Who adds what for whom: for each distance the range that each active member has had and what it keeps.
local function halvings(active)
  local rounds, range = {}, {}
  for i = 1, #active do
    range[i] = { 0, #active }
  end
  local distance = 1
  while distance < #active do
    local round = {}
    for i = 1, #active do
      local partner, begin, past = ((i - 1) ~ distance) + 1, range[i][1], range[i][2]
      local middle = (begin + past) // 2
      local low = (i - 1) & distance == 0
      round[i] = { partner = partner, keeps = low and { begin, middle } or { middle, past },
        gives = low and { middle, past } or { begin, middle } }
    end
    for i = 1, #active do
      range[i] = round[i].keeps
    end
    rounds[#rounds + 1], distance = round, distance * 2
  end
  return rounds
end

---@param members integer[] ranks, ascending
---@param node_of fun(rank: integer): integer
---@return table {pieces, unit, stages}
function M.expand(members, node_of)
  local active, idle = divide(nodes.order(members, node_of))
  local stages, rounds, first, last = {}, halvings(active), {}, {}
  for i, one in ipairs(idle) do
    first[i] = transfers.sum(one.rank, one.helper, 0, #active)
    last[i] = transfers.copy(one.helper, one.rank, 0, #active)
  end
  transfers.add(stages, first)
  for _, round in ipairs(rounds) do
    local list = {}
    for i, one in ipairs(round) do
      list[i] = transfers.sum(active[i], active[one.partner], table.unpack(one.gives))
    end
    transfers.add(stages, list)
  end
  for k = #rounds, 1, -1 do
    local list = {}
    for i, one in ipairs(rounds[k]) do
      list[i] = transfers.copy(active[i], active[one.partner], table.unpack(one.keeps))
    end
    transfers.add(stages, list)
  end
  transfers.add(stages, last)
  return { pieces = #active, unit = "element", stages = stages }
end

---Member j gives the rows that it owns to all: at each distance a member gets from the one so far behind all
---that this one has, or what is still missing.
function M.gather(members, node_of)
  local order, index = nodes.order(members, node_of), nodes.index(members)
  local stages, n, distance = {}, #members, 1
  while distance < n do
    local list = {}
    for i = 0, n - 1 do
      for k = 0, math.min(distance, n - distance) - 1 do
        local piece = index[order[(i + distance + k) % n + 1]]
        list[#list + 1] =
          transfers.copy(order[(i + distance) % n + 1], order[i + 1], piece)
      end
    end
    transfers.add(stages, transfers.joined(list))
    distance = distance * 2
  end
  return { pieces = n, unit = "row", stages = stages }
end

return M
