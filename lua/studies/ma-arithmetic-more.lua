--- More of what follows from the figures of the documents on separation: communication, energy, experts, time model,
--- training.
local M = {}

local function communication(c, add)
  local names = { tp = "TP=8", pp = "PP=2", ["tp-pp"] = "TP=8, PP=2", ma = "separation" }
  for _, s in ipairs({ "tp", "pp", "tp-pp", "ma" }) do
    local sum = 0
    for _, part in ipairs({ "all-reduce", "all-to-all", "gradients", "broadcast" }) do
      sum = sum + c("share." .. part .. "." .. s)
    end
    add({ title = "all communication, " .. names[s], how = "the sum of its four parts", unit = "%",
      stated = c("share.total." .. s), follows = sum })
  end
  add({ title = "computation and communication of separation together", unit = "%",
    how = string.format("%g + %g: what is over 100 runs at the same time", c("utilisation.ma"), c("share.total.ma")),
    follows = c("utilisation.ma") + c("share.total.ma") })
  local window = c("tpot.ma") * c("share.all-reduce.ma") / 100
  add({ title = "rate of the all-reduce of a step within its share of a token's time, through a 25 GB/s port",
    how = string.format("%g bytes in %.3f ms", c("bytes.all-reduce.step"), window), unit = "GB/s", relation = "at most",
    stated = c("bytes.all-reduce.step") / window / 1e6, follows = c("rate.nic"), uses = { "share.all-reduce.ma" } })
  window = c("tpot.ma") * c("share.all-to-all.ma") / 100
  add({ title = "rate of the all-to-all of a step within its share of a token's time, through a 25 GB/s port",
    how = string.format("%g bytes in %.3f ms", c("bytes.all-to-all.step"), window), unit = "GB/s", relation = "at most",
    stated = c("bytes.all-to-all.step") / window / 1e6, follows = c("rate.nic"), uses = { "share.all-to-all.ma" } })
  add({ title = "volume of the all-reduce of a layer", how = "32 MB a transfer, one a layer", unit = "GB",
    stated = c("volume.attention"), follows = c("bytes.all-reduce") / 1e9, uses = { "volume.attention" } })
  add({ title = "volume of the all-reduce of a layer, the whole batch in bf16", how = "1024 x 2048 x 4096 x 2 bytes",
    unit = "GB", stated = c("volume.attention"), within = 0.03,
    follows = c("size.batch") * c("size.length") * c("size.hidden") * 2 / 1e9 })
end

local function energy(c, add)
  add({ title = "power of 16 GPUs", how = string.format("%g mJ x %g tokens/s", c("energy.ma"), c("throughput.ma")),
    unit = "W", follows = c("energy.ma") * c("throughput.ma") / 1000, uses = { "energy.ma" } })
  add({ title = "power of a GPU, where one at rest takes about 60 W",
    how = string.format("%g mJ x %g tokens/s / 16", c("energy.ma"), c("throughput.ma")), unit = "W",
    relation = "at least", stated = c("energy.ma") * c("throughput.ma") / 16000, follows = 60, uses = { "energy.ma" } })
  add({ title = "power of a GPU of the baseline, where one at rest takes about 60 W",
    how = string.format("%g mJ x %g tokens/s / 16", c("energy.base"), c("throughput.tp-pp")), unit = "W",
    relation = "at least", stated = c("energy.base") * c("throughput.tp-pp") / 16000, follows = 60,
    uses = { "energy.base" } })
  add({ title = "less energy of a token", how = string.format("1 - %g / %g", c("energy.ma"), c("energy.base")), unit = "%",
    stated = c("energy.gain"), follows = 100 * (1 - c("energy.ma") / c("energy.base")) })
  add({ title = "less carbon dioxide of a token, with the effectiveness of both sites",
    how = string.format("1 - %g x %g / (%g x %g)", c("energy.ma"), c("pue.ma"), c("energy.base"), c("pue.base")),
    unit = "%", stated = c("carbon.gain"), uses = { "carbon.gain" },
    follows = 100 * (1 - c("energy.ma") * c("pue.ma") / (c("energy.base") * c("pue.base"))) })
end

---The largest deviation of figures with this mean and these ends (Bhatia and Davis, 2000).
local function most_deviation(least, most, mean)
  return math.sqrt((most - mean) * (mean - least))
end

local function experts(c, add)
  local mean = 100 / c("size.experts")
  add({ title = "standard deviation of the use of 16 experts between these ends", unit = "%", relation = "at most",
    how = string.format("sqrt((%g - %g) x (%g - %g)) at most", c("usage.most"), mean, mean, c("usage.least")),
    stated = c("usage.deviation"), follows = most_deviation(c("usage.least"), c("usage.most"), mean),
    uses = { "usage.deviation" } })
  add({ title = "the same of the baseline", unit = "%", relation = "at most",
    how = string.format("sqrt((%g - %g) x (%g - %g)) at most", c("usage.base.most"), mean, mean, c("usage.base.least")),
    stated = c("usage.base.deviation"), follows = most_deviation(c("usage.base.least"), c("usage.base.most"), mean) })
  add({ title = "tokens that an expert capacity of 2048 serves, of those in a micro-batch",
    how = "64 x 2048 tokens; 2048 x 16 experts / top 2 are served", unit = "tokens", relation = "at most",
    stated = c("size.microbatch") * c("size.length"), follows = c("size.capacity") * c("size.experts") / c("size.top-k"),
    uses = { "size.capacity" } })
  add({ title = "GPUs for attention, 0 to 3 of each node", how = "4 x 4 nodes", unit = "GPUs",
    stated = c("size.attention-gpus"), follows = c("size.attention-gpus-per-node") * c("size.nodes"),
    uses = { "size.attention-gpus-per-node" } })
end

local function model_and_training(c, add)
  local attention = c("linear.attention.0") + c("linear.attention.seq") * c("size.length") +
    c("linear.attention.hidden") * c("size.hidden")
  local expert = c("linear.experts.0") + c("linear.experts.hidden") * c("size.expert-hidden") +
    c("linear.experts.active") * c("size.top-k")
  add({ title = "time of attention over time of experts by the linear model",
    how = string.format("%.4f / %.4f at 2048 tokens", attention, expert), unit = "x", stated = c("imbalance"),
    follows = attention / expert, uses = { "imbalance" } })
  add({ title = "tokens of a batch", how = "1024 x 2048", unit = "tokens", stated = c("size.tokens"),
    follows = c("size.batch") * c("size.length") })
  add({ title = "sequences of a batch", how = "16 micro-batches of 64", stated = c("size.batch"),
    follows = c("size.microbatch") * c("size.accumulation") })
  local layer = 4 * c("size.hidden") ^ 2 + c("size.experts") * 2 * c("size.hidden") * c("size.expert-hidden")
  add({ title = "parameters of the layers with two matrices an expert (GELU)", how = "4 x (4 h^2 + 16 x 2 h f)",
    stated = c("size.parameters"), follows = c("size.layers") * layer })
  add({ title = "the same with three matrices an expert (SwiGLU)", how = "4 x (4 h^2 + 16 x 3 h f)",
    stated = c("size.parameters"), uses = { "size.parameters" },
    follows = c("size.layers") * (layer + c("size.experts") * c("size.hidden") * c("size.expert-hidden")) })
  add({ title = "entries of the vocabulary of GPT-2", how = "its tokenizer has 50257", stated = c("training.vocabulary"),
    follows = 50257, within = 0, uses = { "training.vocabulary" } })
  add({ title = "rate of NVLink 3 of a GPU in one direction", how = "12 links of 25 GB/s; both directions are stated",
    unit = "GB/s", stated = c("rate.nvlink"), follows = 12 * 25, uses = { "rate.nvlink" } })
  add({ title = "speed of convergence", how = string.format("%g / %g steps", c("training.steps.base"), c("training.steps.ma")),
    unit = "x", stated = c("training.speedup"), follows = c("training.steps.base") / c("training.steps.ma"),
    uses = { "training.speedup" } })
  add({ title = "the loss at a perplexity of 12.8", how = "ln 12.8; the loss curve is said to end at 12.8",
    stated = c("training.loss.ma"), follows = math.log(c("training.perplexity.ma")), uses = { "training.loss.ma" } })
end

function M.add(c, add)
  communication(c, add)
  energy(c, add)
  experts(c, add)
  model_and_training(c, add)
end

return M
