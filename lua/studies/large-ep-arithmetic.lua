--- What follows from the figures of the document on large expert parallelism.
local check = require("lib.check")

local M = {}

local function weights(c, add)
  local expert = 2 * c("size.hidden") * c("size.expert-hidden") * 2 / 1e9
  local layers = c("size.layers") - c("size.dense")
  add({ title = "weights of one expert", how = "two matrices of 7168 x 18432 in bf16", unit = "GB",
    stated = c("memory.expert"), follows = expert, uses = { "memory.expert" } })
  for _, end_ in ipairs({ "least", "most" }) do
    local each = c("size.experts-per-gpu." .. end_)
    add({ title = string.format("weights of %d experts of each of 58 layers, on a GPU of the baseline", each),
      how = string.format("%d x 58 x %.3f GB", each, expert), unit = "GB", relation = "at most",
      stated = each * layers * expert, follows = c("memory.gpu"), uses = { "size.experts-per-gpu." .. end_ } })
  end
  add({ title = "weights of the experts under EP=8 with 16 experts, before attention",
    how = string.format("2 x 58 x %.3f GB", expert), unit = "GB", relation = "at most",
    stated = 2 * layers * expert, follows = c("memory.gpu") })
  local attention = 4 * c("size.hidden") ^ 2 * c("size.layers") * 2 / 1e9
  add({ title = "memory of a GPU with one expert of each layer and four full projections of attention",
    how = string.format("58 x %.3f GB + 61 x 4 x 7168^2 x 2 bytes", expert), unit = "GB", relation = "at least",
    stated = c("memory.most"), follows = layers * expert + attention, uses = { "memory.most" } })
end

local function cache(c, add)
  local tensor = c("size.heads") * c("size.head-dim") * 2 / 1000
  add({ title = "keys of a token in one layer, uncompressed", how = "128 x 56 x 2 bytes", unit = "kB",
    stated = c("memory.token"), follows = tensor })
  add({ title = "keys and values of a token in all layers, uncompressed", how = "2 x 61 x 14.336 kB", unit = "kB",
    stated = c("memory.token"), follows = 2 * c("size.layers") * tensor, uses = { "memory.token" } })
  add({ title = "the same, 4 times smaller as latents", how = "2 x 61 x 14.336 kB / 4", unit = "kB",
    stated = c("memory.token"), follows = 2 * c("size.layers") * tensor / c("memory.kv-factor"),
    uses = { "memory.token" } })
  add({ title = "buffers for 127 peers", how = "127 x 64 MB", unit = "GB",
    follows = (c("size.gpus") - 1) * c("memory.peer") / 1e6 })
  add({ title = "attention dimension", how = "128 x 56", stated = c("size.hidden"),
    follows = c("size.heads") * c("size.head-dim") })
end

local function speed(c, add)
  add({ title = "sequences under way, over those of the baseline, that both gains need",
    how = string.format("%g x (1 - %g %%)", c("gain.throughput"), c("gain.latency")), unit = "x",
    follows = c("gain.throughput") * (1 - c("gain.latency") / 100) })
  local tokens = c("size.tokens") * c("size.top-k") / c("size.gpus")
  local bytes = 2 * c("size.hidden") * c("size.expert-hidden") * 2
  local flops = tokens * 2 * 2 * c("size.hidden") * c("size.expert-hidden")
  local most = flops / (c("rate.flops") * 1e12) / (bytes / (c("rate.memory") * 1e9))
  add({ title = "peak arithmetic that an expert can use, 4096 tokens over 128 experts", unit = "%", relation = "at most",
    how = string.format("%d tokens an expert: reading its weights takes longer", tokens), stated = c("mfu"),
    follows = 100 * math.min(1, most), uses = { "mfu" } })
  add({ title = "variation of the use of experts, 4096 tokens at random over 128 experts", unit = "%",
    relation = "at least", how = string.format("1 / sqrt(%d)", tokens), stated = c("balance"),
    follows = 100 / math.sqrt(tokens), uses = { "balance" } })
end

---@param claims table<string, number>
---@return Check[]
function M.checks(claims)
  local c = check.reader(claims)
  local add, checks = check.list()
  weights(c, add)
  cache(c, add)
  speed(c, add)
  return checks
end

return M
