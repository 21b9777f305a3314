--- The first deployment: attention and experts on separate GPUs, against tensor, pipeline and expert parallelism, on 16
--- A100. The documents give neither the sequences under way nor the length; so each figure is predicted for several.
local arithmetic = require("studies.ma-arithmetic")
local map = require("lib.study").map
local study = require("lib.study")

local M = {}

local SPREAD = "ma-separation:attention=12,experts=4,groups=1,placement=spread,moves=exact"
local PACKED = "ma-separation:attention=12,experts=4,groups=1,placement=packed,moves=exact"

--- What is deployed: name, strategy, whose claims it is compared with.
local deployments = {
  { "TP=8, two copies", "tp:tp=8,dp=2", "tp" },
  { "TP=8, half of the GPUs idle", "tp:tp=8", "tp" },
  { "PP=2, eight copies", "pp:pp=2,dp=8,microbatches=2", "pp" },
  { "TP=8 x PP=2", "tp-pp:tp=8,pp=2,microbatches=2", "tp-pp" },
  { "separation 12+4, heads split, spread", SPREAD, "ma" },
  { "separation 12+4, heads split, packed", PACKED, "ma" },
  { "separation 12+4, requests split as planned", "ma-separation:attention=12,experts=4,moves=exact", "ma" },
  { "EP=16", "ep:ep=16,moves=exact" },
  { "what auto takes", "auto:for=decode" },
}

--- 24 is what TPS x TPOT comes to, 384 what throughput x TPOT comes to, 1024 the batch that is stated.
local batches = { 24, 384, 1024 }

local function at(batch, length)
  return { "batch=" .. batch, "context=" .. length, "prefill=" .. length // 2 }
end

local function performance(s)
  local columns = map(batches, function(batch) return "batch " .. batch end)
  local about = "2048 tokens a sequence, half of them prompt. The documents state a batch of 1024; their TPS x TPOT is 24 "
    .. "sequences, their throughput x TPOT 387."
  for _, metric in ipairs({
    { "tpot", "tpot", "Time per output token" },
    { "tps", "tps", "New tokens per second" },
    { "throughput", "throughput", "Throughput, with prompts" },
    { "utilisation", "utilisation", "GPU utilisation" },
    { "memory_used", "memory-efficiency", "Memory efficiency, as share of the bandwidth in use" },
  }) do
    local add = s.table("performance", metric[1], metric[3], about, columns,
      { kind = metric[1] == "tpot" and "spans" or "none", log = true })
    for _, of in ipairs(deployments) do
      add({ what = of[1], claims = of[3] and { metric[2] .. "." .. of[3] }, metric = metric[1],
        points = map(batches, function(batch) return s.point(of[2], at(batch, 2048)) end) })
    end
  end
  local ports = s.table("performance", "ports", "Time per output token with four ports a node",
    "One port a node is implied and never said; this is what four would make of it.", columns)
  for _, of in ipairs(deployments) do
    ports({ what = of[1], claims = of[3] and { "tpot." .. of[3] }, metric = "tpot", points = map(batches, function(batch)
      local set = at(batch, 2048)
      set[4] = "topology.nodes[0].nics=4"
      return s.point(of[2], set)
    end) })
  end
  local add = s.table("performance", "gains", "Gains of separation over TP=8 x PP=2", about, columns)
  for _, placement in ipairs({ { "spread", SPREAD }, { "packed", PACKED } }) do
    for _, gain in ipairs({ { "less time per token", "tpot", "less", "gain.tpot" },
      { "more tokens per second", "tps", "more", "gain.tps" } }) do
      add({ what = gain[1] .. ", " .. placement[1], claims = { gain[4] }, metric = gain[2], as = gain[3],
        points = map(batches, function(batch) return s.point(placement[2], at(batch, 2048)) end),
        versus = map(batches, function(batch) return s.point(deployments[4][2], at(batch, 2048)) end) })
    end
  end
end

local lengths = { 512, 1024, 2048, 4096 }

local function by_length(s)
  for _, batch in ipairs({ 24, 384 }) do
    local add = s.table("lengths", "lengths-" .. batch, "Time per output token by length, batch " .. batch,
      "Half of the sequence is prompt. The model has 2048 positions; for 4096 it is given as many.",
      map(lengths, function(length) return length .. " tokens" end), { kind = "lines", x = "tokens a sequence", log = true })
    for i, of in ipairs(deployments) do
      if i ~= 2 and i ~= 6 then
        add({ what = of[1], metric = "tpot",
          claims = (of[3] == "tp" or i == 5) and map(lengths, function(n) return "length." .. of[3] .. "." .. n end) or nil,
          points = map(lengths, function(length)
            local set = at(batch, length)
            set[4] = length > 2048 and "max_positions=" .. length or nil
            return s.point(of[2], set)
          end),
          note = (of[3] == "tp" or i == 5) and "4096 tokens are more than the 2048 positions of the model" or "" })
      end
    end
  end
end

--- By nodes of four GPUs: baseline, separation, expert parallelism.
local sizes = {
  { 1, "tp-pp:tp=2,pp=2,microbatches=2", "ma-separation:attention=3,experts=1,groups=1,moves=exact", "ep:ep=4,moves=exact" },
  { 2, "tp-pp:tp=4,pp=2,microbatches=2", "ma-separation:attention=6,experts=2,groups=1,moves=exact", "ep:ep=8,moves=exact" },
  { 4, "tp-pp:tp=8,pp=2,microbatches=2", SPREAD, "ep:ep=16,moves=exact" },
  { 8, "tp-pp:tp=8,pp=2,dp=2,microbatches=2", "ma-separation:attention=24,experts=8,groups=1,moves=exact", "ep:ep=16,dp=2,moves=exact" },
}

local function scaling(s)
  for _, kind in ipairs({
    { "strong-24", "Strong scaling, batch 24", function() return 24 end },
    { "strong-384", "Strong scaling, batch 384", function() return 384 end },
    { "weak", "Weak scaling, 24 sequences a GPU", function(nodes) return 96 * nodes end },
  }) do
    local add = s.table("scaling", kind[1], kind[2], "2048 tokens a sequence. The baseline is TP x PP=2 with TP 2, 4, 8, 8, the "
      .. "last in two copies; separation keeps three attention GPUs to one of experts, heads split over all of them.",
      map(sizes, function(size) return 4 * size[1] .. " GPUs" end), { kind = "lines", x = "GPUs", log = true })
    local function points(which)
      return map(sizes, function(size)
        local set = at(kind[3](size[1]), 2048)
        set[4] = "topology.nodes[0].count=" .. size[1]
        return s.point(size[which], set)
      end)
    end
    local function claims(name)
      return map(sizes, function(size) return name .. "." .. 4 * size[1] end)
    end
    local first = map(sizes, function() return points(3)[1] end)
    add({ what = "TP x PP=2, tokens/s", claims = claims("scale.base"), metric = "tps", points = points(2) })
    add({ what = "separation, tokens/s", claims = claims("scale.ma"), metric = "tps", points = points(3) })
    add({ what = "EP, tokens/s", metric = "tps", points = points(4) })
    add({ what = "speed-up of separation", claims = claims("speedup"), metric = "tps", as = "ratio", points = points(3),
      versus = points(2) })
    add({ what = "efficiency of separation", claims = { "", "efficiency.8", "efficiency.16", "efficiency.32" },
      metric = "tps", as = "share", points = points(3), versus = first,
      scales = map(sizes, function(size) return { factor = 1 / size[1] } end) })
  end
end

---@param claims table<string, number>
function M.study(claims)
  local s = study.new("ma-8.9b.yaml", "a100-4x4.yaml")
  performance(s)
  by_length(s)
  scaling(s)
  require("studies.ma-shares").add(s, deployments, batches, at)
  return { points = s.points, tables = s.tables, checks = arithmetic.checks(claims),
    untold = require("studies.ma-shares").untold }
end

return M
