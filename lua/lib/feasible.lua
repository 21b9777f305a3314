--- What a separation of attention and experts may look like at all: types, obstacles, memory.
local roofline = require("lib.roofline")
local split = require("lib.split")

local M = {}

---@class Candidate
---@field attention integer
---@field experts integer
---@field groups integer
---@field placement "spread"|"packed"
---@field output "flat"|"hierarchical"|"sharded"
---@field shared "attention"|"experts"|"columns" where the feed-forward beside experts lies

---@class Setting
---@field inputs table
---@field block table[] slots of the first copy
---@field batch integer requests of a copy
---@field counts integer[]? experts per expert rank, where the user gave them
---@field microbatches table<string, integer?> by phase, where the user gave them
---@field modes table<string, "padded"|"exact"> of the exchanges, by phase

---Experts per expert rank.
---@param setting Setting
---@param ranks integer
---@return integer[]
function M.counts(setting, ranks)
  return setting.counts or split.descending(setting.inputs.model.experts, ranks)
end

---Why a candidate cannot be, or nil.
---@param setting Setting
---@param c Candidate
---@return string?
function M.obstacle(setting, c)
  local model = setting.inputs.model
  if c.experts > model.experts then
    return string.format(
      "%d expert ranks are more than the %d experts, so some would hold nothing; use experts=%d "
        .. "or fewer", c.experts, model.experts, model.experts)
  elseif c.groups > c.attention or c.groups < 1 then
    return string.format("%d attention ranks do not make %d request groups; use groups=1..%d",
      c.attention, c.groups, c.attention)
  end
  local members = split.ceil(c.attention, c.groups)
  if members > model.heads then
    return string.format(
      "a request group of %d ranks is more than the %d query heads, so some would hold nothing; "
        .. "use groups=%d or more", members, model.heads, split.ceil(c.attention, model.heads))
  end
  if members > model.vocabulary then
    return string.format("a request group of %d ranks is more than the %d vocabulary entries; use groups=%d or more",
      members, model.vocabulary, split.ceil(c.attention, model.vocabulary))
  end
  for _, width in ipairs({ model.dense_hidden, model.shared_hidden }) do
    if width > 0 and members > width then
      return string.format("a request group of %d ranks is more than the %d columns of a feed-forward "
        .. "that all tokens pass; use groups=%d or more", members, width, split.ceil(c.attention, width))
    end
  end
  if c.groups > setting.batch then
    return string.format("%d request groups share %d requests, so some would have none; use a "
      .. "larger batch or fewer groups", c.groups, setting.batch)
  end
  if c.shared == "columns" and c.experts > model.shared_hidden then
    return string.format("%d expert ranks are more than the %d columns of the feed-forward beside the experts",
      c.experts, model.shared_hidden)
  end
  for _, phase in ipairs({ "prefill", "decode" }) do
    local count = setting.microbatches[phase] or 1
    if count > setting.batch // c.groups or count < 1 then
      return string.format("%d micro-batches of the %d requests of a group would leave some empty",
        count, setting.batch // c.groups)
    end
  end
end

---The largest value of f over the different GPUs among these slots.
function M.over_gpus(slots, f)
  local last, largest = nil, 0
  for _, slot in ipairs(slots) do
    if slot.kind ~= last then
      last, largest = slot.kind, math.max(largest, f(slot.kind.gpu))
    end
  end
  return largest
end

local function gigabytes(bytes)
  return string.format(bytes < 1e9 and "%.0f MB" or "%.1f GB", bytes < 1e9 and bytes / 1e6 or bytes / 1e9)
end

---How much memory the fullest rank lacks for weights and KV cache, roughly; the ledger of the check
---is exact.
---@return integer bytes 0: all fit
---@return string? reason
function M.lack(setting, c, owners, holders)
  local held = math.max(table.unpack(M.counts(setting, c.experts)))
  local members, requests = split.ceil(c.attention, c.groups), split.ceil(setting.batch, c.groups)
  local attention, experts = roofline.resident(setting.inputs, members, requests, held, c.shared, c.experts)
  local function lack(need)
    return function(gpu)
      return math.max(0, need - gpu.memory)
    end
  end
  local owner, holder = M.over_gpus(owners, lack(attention)), M.over_gpus(holders, lack(experts))
  local least = math.max(owner, holder)
  if least == 0 then
    return 0
  end
  local need = owner > holder and attention or experts
  return least, string.format(
    "no division of %d GPUs a copy holds it: %d attention and %d expert ranks come nearest, where "
      .. "%s needs %s, %s more than its GPU has; use more GPUs, or %s", #setting.block,
    c.attention, c.experts, owner > holder and "an attention rank" or "an expert rank",
    gigabytes(need), gigabytes(least),
    owner > holder and "a smaller batch or context" or "a smaller element type")
end

return M
