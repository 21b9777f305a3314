--- What auto varies: the degrees of each strategy, and what else it lets one choose.
local outputs = require("lib.outputs")

local M = {}

---Options that cut the batch of a phase in parts.
M.batches = { "prefill_microbatches", "decode_microbatches" }

---Degrees of each strategy, outermost first, and what else it lets one choose.
local spaces = {
  { name = "single", degrees = {}, choices = M.batches },
  { name = "tp", degrees = { "dp", "tp" },
    choices = { "output", "prefill_microbatches", "decode_microbatches", "embedding", "shared" } },
  { name = "pp", degrees = { "dp", "pp" }, choices = M.batches },
  { name = "tp-pp", degrees = { "dp", "tp", "pp" },
    choices = { "output", "prefill_microbatches", "decode_microbatches", "embedding", "shared" } },
  { name = "ep", degrees = { "dp", "ep", "tp" },
    choices = {
      "output", "moves", "prefill_microbatches", "decode_microbatches", "embedding", "exchange", "chunk",
      "shared",
    },
  },
  {
    name = "ma-separation",
    degrees = { "dp", "attention", "experts" },
    choices = {
      "groups", "placement", "output", "moves", "prefill_microbatches", "decode_microbatches", "embedding",
      "exchange", "chunk", "shared",
    },
  },
}

M.values_of = {
  output = outputs.all(),
  placement = { "spread", "packed" },
  moves = { false, "padded", "exact" }, -- false: exact in prefill, padded in decode
  embedding = { "copied", "split" },
  exchange = { "direct", "pairwise", "aggregated" },
  chunk = { 0, 256, 1024 }, -- tokens a transfer
  shared = { "attention", "experts", "columns" },
}

---The degrees and choices of a strategy.
---@param name string
---@return {name: string, degrees: string[], choices: string[]}
function M.of(name)
  for _, space in ipairs(spaces) do
    if space.name == name then
      return space
    end
  end
end

---@return string[]
function M.names()
  local names = {}
  for i, space in ipairs(spaces) do
    names[i] = space.name
  end
  return names
end

return M
