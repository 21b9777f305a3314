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

---Runs of layers within a stage that have experts, half-open.
---@param model table
---@param layers integer[] of the stage
---@return integer[][]
function M.routed(model, layers)
  local dense, runs = {}, {}
  for _, layer in ipairs(model.dense_layers) do
    dense[layer] = true
  end
  for layer = layers[1], layers[2] - 1 do
    local last = runs[#runs]
    if not dense[layer] then
      if last and last[2] == layer then
        last[2] = layer + 1
      else
        runs[#runs + 1] = { layer, layer + 1 }
      end
    end
  end
  return runs
end

---The most members that a group may have: each holds a head, and columns of everything that is cut.
---@param model table
---@return integer
function M.most_members(model)
  local most = math.min(model.heads, model.expert_hidden)
  for _, width in ipairs({ model.dense_hidden, model.shared_hidden }) do
    most = width > 0 and math.min(most, width) or most
  end
  return most
end

---Feed-forwards that all tokens pass, cut in columns over the members of each group: of the stage's
---dense layers, and beside its experts.
---@param model table
---@param groups table[]
---@param layers integer[] of the stage
---@param shared string? where the one beside the experts lies (shared.lua); default: here
---@return table[]
function M.ffn(model, groups, layers, shared)
  local runs, routed = M.routed(model, layers), 0
  for _, run in ipairs(runs) do
    routed = routed + run[2] - run[1]
  end
  local widths = {
    { kind = "dense", width = routed < layers[2] - layers[1] and model.dense_hidden or 0 },
    { kind = "shared", width = routed > 0 and (shared or "attention") == "attention" and model.shared_hidden or 0 },
  }
  local list = {}
  for _, ffn in ipairs(widths) do
    for _, group in ipairs(ffn.width > 0 and groups or {}) do
      for j, columns in ipairs(split.ranges(split.descending(ffn.width, #group.members))) do
        list[#list + 1] = { kind = ffn.kind, rank = group.members[j].rank, columns = columns }
      end
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
  for _, layers in ipairs(M.routed(model, { 0, model.layers })) do
    for k, range in ipairs(split.ranges(counts)) do
      for expert = range[1], range[2] - 1 do
        list[#list + 1] = {
          layers = layers,
          expert = expert,
          columns = { 0, model.expert_hidden },
          rank = first + k - 1,
          replica = 0,
        }
      end
    end
  end
  return list
end

---Experts dealt over blocks of ranks, each expert cut in columns over the ranks of its block: several
---to a block where experts are more, replicas where blocks are.
---@param model table
---@param blocks integer[][] ranks of each block
---@param stage integer[]? its layers; all if not given
---@return table[]
function M.dealt(model, blocks, stage)
  local list, runs = {}, M.routed(model, stage or { 0, model.layers })
  local function add(block, expert, replica)
    for _, layers in ipairs(runs) do
      for k, columns in ipairs(split.ranges(split.descending(model.expert_hidden, #block))) do
        list[#list + 1] = {
          layers = layers,
          expert = expert,
          columns = columns,
          rank = block[k],
          replica = replica,
        }
      end
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

---What all tokens pass as one more expert: a replica of it on each block of ranks, cut in columns over them.
---@param model table
---@param blocks integer[][] ranks of each block
---@param stage integer[] its layers
---@param list table[] to which it is added
---@return table[] list
function M.shared(model, blocks, stage, list)
  for _, layers in ipairs(M.routed(model, stage)) do
    for b, block in ipairs(blocks) do
      for k, columns in ipairs(split.ranges(split.descending(model.shared_hidden, #block))) do
        list[#list + 1] =
          { layers = layers, expert = model.experts, columns = columns, rank = block[k], replica = b - 1 }
      end
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
