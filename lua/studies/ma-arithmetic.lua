--- What follows from the figures of the documents on separation: sums, ratios and rates that they do not compute.
local check = require("lib.check")

local M = {}

local strategies = { { "tp", "TP=8" }, { "pp", "PP=2" }, { "tp-pp", "TP=8, PP=2" }, { "ma", "separation" } }

local function rates(c, add)
  for _, s in ipairs(strategies) do
    local tps, tpot = c("tps." .. s[1]), c("tpot." .. s[1])
    add({
      title = "sequences under way, " .. s[2],
      how = string.format("TPS x TPOT: %g x %g ms", tps, tpot),
      follows = tps * tpot / 1000,
      uses = { "tps." .. s[1] },
    })
    add({
      title = "throughput over TPS, " .. s[2],
      how = string.format("%g / %g: the number of GPUs, whatever TPS counts", c("throughput." .. s[1]), tps),
      unit = "x",
      follows = c("throughput." .. s[1]) / tps,
      uses = { "throughput." .. s[1] },
    })
  end
end

local function gains(c, add)
  add({ title = "less time per token than TP=8, PP=2", how = string.format("1 - %g / %g", c("tpot.ma"), c("tpot.tp-pp")),
    unit = "%", stated = c("gain.tpot"), follows = 100 * (1 - c("tpot.ma") / c("tpot.tp-pp")), uses = { "gain.tpot" } })
  add({ title = "more tokens per second", how = string.format("%g / %g - 1", c("tps.ma"), c("tps.tp-pp")),
    unit = "%", stated = c("gain.tps"), follows = 100 * (c("tps.ma") / c("tps.tp-pp") - 1), uses = { "gain.tps" } })
  for _, length in ipairs({ 512, 1024, 2048, 4096 }) do
    local tp, ma = c("length.tp." .. length), c("length.ma." .. length)
    add({ title = "less time per token at " .. length .. " tokens", how = string.format("1 - %g / %g", ma, tp),
      unit = "%", stated = c("length.gain." .. length), follows = 100 * (1 - ma / tp), uses = { "length.gain." .. length } })
  end
  add({ title = "how time per token grows with length (quadratic would be 2)",
    how = string.format("ln(%g / %g) / ln(4096 / 512)", c("length.ma.4096"), c("length.ma.512")),
    follows = math.log(c("length.ma.4096") / c("length.ma.512")) / math.log(8), uses = { "length.ma.4096" } })
  add({ title = "the longest sequence that the model has positions for", how = "lengths up to 4096 are timed",
    relation = "at most", stated = 4096, follows = c("size.positions"), uses = { "length.ma.4096", "length.tp.4096" } })
end

local function scaling(c, add)
  local first = c("scale.ma.4") / 4
  for _, gpus in ipairs({ 8, 16, 32 }) do
    add({ title = "scaling efficiency on " .. gpus .. " GPUs, tokens per second and GPU over those on 4",
      how = string.format("(%g / %d) / (%g / 4)", c("scale.ma." .. gpus), gpus, c("scale.ma.4")), unit = "%",
      stated = c("efficiency." .. gpus), follows = 100 * c("scale.ma." .. gpus) / gpus / first,
      uses = { "efficiency." .. gpus } })
  end
  add({ title = "scaling efficiency on 16 GPUs by the formula that is given for it",
    how = string.format("(%g / 16) / (%g / 4)", c("speedup.16"), c("speedup.4")), unit = "%",
    stated = c("efficiency.16"), follows = 100 * (c("speedup.16") / 16) / (c("speedup.4") / 4), uses = { "efficiency.16" } })
  for _, gpus in ipairs({ 4, 8, 16, 32 }) do
    add({ title = "speed-up on " .. gpus .. " GPUs", unit = "x",
      how = string.format("%g / %g", c("scale.ma." .. gpus), c("scale.base." .. gpus)),
      stated = c("speedup." .. gpus), follows = c("scale.ma." .. gpus) / c("scale.base." .. gpus),
      uses = { "speedup." .. gpus } })
  end
  add({ title = "the fewest GPUs of their table on which separation wins",
    how = string.format("a speed-up of %g on 4", c("speedup.4")), unit = "GPUs", stated = c("break-even"), follows = 4,
    uses = { "break-even" } })
end

local function memory(c, add)
  for _, s in ipairs(strategies) do
    local sum = 0
    for _, part in ipairs({ "parameters", "activations", "gradients", "optimizer", "buffers" }) do
      sum = sum + c("memory." .. part .. "." .. s[1])
    end
    local total = "memory.total." .. s[1]
    add({ title = "memory of a GPU, " .. s[2], how = "the sum of its five components", unit = "GB",
      stated = c(total), follows = sum, uses = {} })
    add({ title = "memory of a GPU that has 80 GiB, " .. s[2], how = "80 x 2^30 bytes", unit = "GB",
      relation = "at most", stated = c(total), follows = 80 * 2 ^ 30 / 1e9, uses = { total } })
    local efficiency = "memory-efficiency." .. s[1]
    add({ title = "memory efficiency, " .. s[2], unit = "%",
      how = string.format("%g GB used of the %g GB that is said to be there with paging", c(total), c("memory.paged")),
      stated = c(efficiency), follows = 100 * c(total) / c("memory.paged"), uses = { efficiency } })
  end
  add({ title = "memory of a GPU by the table in MB", unit = "MB",
    how = "parameters, activations, optimiser and buffers; gradients are missing",
    stated = c("memory-mb.total"),
    follows = c("memory-mb.parameters") + c("memory-mb.activations") + c("memory-mb.optimizer") + c("memory-mb.buffers"),
    uses = { "memory-mb.total" } })
  local layer = 4 * c("size.hidden") ^ 2 * 4 / 1e6
  add({ title = "parameters of attention, 4 layers", how = "4 x 4 x 4096^2 x 4 bytes", unit = "MB",
    stated = c("memory-mb.attention"), follows = c("size.layers") * layer, uses = { "memory-mb.attention" } })
  add({ title = "parameters of a GPU under TP=8 in float32", how = "8.86 G x 4 bytes / 8", unit = "GB",
    stated = c("memory.parameters.tp"), follows = c("size.parameters") * 4 / 8 / 1e9, uses = { "memory.parameters.tp" } })
  add({ title = "parameters of a GPU under PP=2 in float32", how = "8.86 G x 4 bytes / 2", unit = "GB",
    stated = c("memory.parameters.pp"), follows = c("size.parameters") * 4 / 2 / 1e9, uses = { "memory.parameters.pp" } })
end

---@param claims table<string, number>
---@return Check[]
function M.checks(claims)
  local c = check.reader(claims)
  local add, checks = check.list()
  rates(c, add)
  gains(c, add)
  scaling(c, add)
  memory(c, add)
  require("studies.ma-arithmetic-more").add(c, add)
  return checks
end

return M
