--- Who holds what, as the lists of a plan: request groups with their heads, experts, vocabulary.
local split = require("lib.split")

local M = {}

---Request groups over attention ranks 0 .. attention - 1: members consecutive, sizes and heads
---nearly equal, larger ones first.
---@param model table
---@param attention integer
---@param groups integer
---@param batch integer requests of a copy
---@param first integer? their first rank, 0 if not given
---@return table[]
function M.groups(model, attention, groups, batch, first)
  local requests = split.floor(batch, groups)
  local list = {}
  for g, members in ipairs(split.ranges(split.descending(attention, groups))) do
    local size = members[2] - members[1]
    list[g] = { requests = requests[g], members = {} }
    for j, heads in ipairs(split.ranges(split.descending(model.heads, size))) do
      list[g].members[j] = { rank = (first or 0) + members[1] + j - 1, heads = heads }
    end
  end
  return list
end

---Experts in consecutive ranges of these counts on ranks first, first + 1, ...
---@param model table
---@param counts integer[]
---@param first integer
---@return table[]
function M.experts(model, counts, first)
  local list = {}
  for k, range in ipairs(split.ranges(counts)) do
    for expert = range[1], range[2] - 1 do
      list[#list + 1] = {
        layers = { 0, model.layers },
        expert = expert,
        columns = { 0, model.expert_hidden },
        rank = first + k - 1,
        replica = 0,
      }
    end
  end
  return list
end

---Experts dealt over blocks of ranks, each expert cut in columns over the ranks of its block: several
---to a block where experts are more, replicas where blocks are.
---@param model table
---@param blocks integer[][] ranks of each block
---@return table[]
function M.dealt(model, blocks)
  local list = {}
  local function add(block, expert, replica)
    for k, columns in ipairs(split.ranges(split.descending(model.expert_hidden, #block))) do
      list[#list + 1] = {
        layers = { 0, model.layers },
        expert = expert,
        columns = columns,
        rank = block[k],
        replica = replica,
      }
    end
  end
  if #blocks > model.experts then
    for b, block in ipairs(blocks) do
      add(block, (b - 1) % model.experts, (b - 1) // model.experts)
    end
    return list
  end
  for b, range in ipairs(split.ranges(split.descending(model.experts, #blocks))) do
    for expert = range[1], range[2] - 1 do
      add(blocks[b], expert, 0)
    end
  end
  return list
end

---Vocabulary entries over the members of each group: split, or all of them to each.
---@param model table
---@param groups table[]
---@param copied boolean
---@return table[]
function M.vocabulary(model, groups, copied)
  local list = {}
  for _, group in ipairs(groups) do
    local parts = split.floor(model.vocabulary, #group.members)
    for j, member in ipairs(group.members) do
      local entries = copied and { 0, model.vocabulary } or parts[j]
      list[#list + 1] = { rank = member.rank, entries = entries }
    end
  end
  return list
end

return M
