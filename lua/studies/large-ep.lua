--- The second deployment: one expert of a layer a GPU across nodes, on 16 to 128 H100, against fewer groups with more
--- experts a GPU. The document gives tokens of a micro-batch, not sequences under way; so a batch is ours.
local arithmetic = require("studies.large-ep-arithmetic")
local map = require("lib.study").map
local study = require("lib.study")

local M = {}

local topologies = { [16] = "h100-2x8.yaml", [64] = "h100-8x8.yaml", [128] = "h100-16x8.yaml" }
local ROOMY = "topology.nodes[0].gpu.memory=1 TB"
local WHERE = "Four sequences a GPU of 1024 tokens, an eighth of them prompt: 64, 256 or 512 under way, the last being the least that "
  .. "the document has in a micro-batch. "

---A deployment: EP degree in as many copies as the GPUs allow, experts, batch, length; `more`: a further setting.
local function at(s, gpus, degree, experts, batch, length, more)
  local strategy = "ep:moves=exact,ep=" .. degree .. (degree < gpus and ",dp=" .. gpus // degree or "")
  local set = { "batch=" .. batch, "context=" .. length, "prefill=" .. length // 8, "model.experts=" .. experts }
  set[5] = more
  return s.point(strategy, set, { topology = topologies[gpus] })
end

local figures = {
  { "time per output token", "tpot" },
  { "tokens per second", "tps" },
  { "peak arithmetic in use", "flops_used", "mfu" },
  { "memory bandwidth in use", "memory_used", "memory-use" },
  { "bandwidth of the busiest node's ports in use", "network_used", "network.use" },
  { "share of dispatch and combine", "all_to_all" },
  { "communication behind computation", "hidden", "hidden",
    "this order takes one micro-batch after the other, so nothing runs beside a move; two would read all weights twice" },
}

local sizes = { 16, 64, 128 }

local function performance(s)
  local add = s.table("performance", "large-ep", "One expert of a layer a GPU", WHERE ..
    "As many experts a layer as GPUs.", map(sizes, function(gpus) return "EP=" .. gpus end))
  for _, figure in ipairs(figures) do
    add({ what = figure[1], claims = figure[3] and { figure[3] }, metric = figure[2], note = figure[4],
      points = map(sizes, function(gpus) return at(s, gpus, gpus, gpus, 4 * gpus, 1024) end) })
  end
  add({ what = "time per output token with one port a node instead of eight", metric = "tpot",
    points = map(sizes, function(gpus) return at(s, gpus, gpus, gpus, 4 * gpus, 1024, "topology.nodes[0].nics=1") end) })
  add = s.table("performance", "gains", "Against EP=8 on the same GPUs", WHERE .. "The first two rows are on the GPUs that "
    .. "are stated; where EP=8 does not fit, the other two show what it would be with 1 TB a GPU for both.",
    map(sizes, function(gpus) return gpus .. " GPUs" end))
  for _, roomy in ipairs({ false, true }) do
    for _, gain in ipairs({ { "throughput", "throughput", "ratio", "gain.throughput" },
      { "less time per token", "tpot", "less", "gain.latency" } }) do
      add({ what = gain[1] .. (roomy and ", if a GPU had 1 TB" or ""), claims = { gain[4] }, metric = gain[2], as = gain[3],
        points = map(sizes, function(gpus) return at(s, gpus, gpus, gpus, 4 * gpus, 1024, roomy and ROOMY or nil) end),
        versus = map(sizes, function(gpus) return at(s, gpus, 8, gpus, 4 * gpus, 1024, roomy and ROOMY or nil) end) })
    end
  end
end

local function degrees(s)
  local cases = { { 16, 4, 16 }, { 16, 8, 16 }, { 16, 16, 16 }, { 64, 64, 64 }, { 128, 128, 128 } }
  local columns = map(cases, function(case) return string.format("EP=%d", case[2]) end)
  for _, roomy in ipairs({ false, true }) do
    local add = s.table("degrees", roomy and "degrees-roomy" or "degrees",
      roomy and "By degree, if a GPU had 1 TB" or "By degree, on GPUs of 64 GB",
      WHERE .. "EP=4 and 8 in copies on 16 GPUs with 16 experts a layer; from 16 on as many experts as GPUs.", columns,
      { kind = roomy and "lines" or "none", x = "EP", log = false })
    for _, row in ipairs({ { "time per output token", "tpot" }, { "share of dispatch and combine", "all_to_all" },
      { "memory of the fullest GPU", "memory", "memory.most" } }) do
      add({ what = row[1], claims = row[3] and { row[3] }, metric = row[2],
        points = map(cases, function(case) return at(s, case[1], case[2], case[3], 4 * case[1], 1024, roomy and ROOMY or nil) end) })
    end
  end
end

local function scaling(s)
  for _, kind in ipairs({
    { "weak", "Weak scaling: as many experts as GPUs, four sequences a GPU", function(gpus) return gpus, 4 * gpus end },
    { "strong", "Strong scaling: 16 experts in replicas, 128 sequences", function() return 16, 128 end },
  }) do
    local add = s.table("scaling", kind[1], kind[2], "1024 tokens a sequence, an eighth of them prompt. EP over all GPUs.",
      map(sizes, function(gpus) return gpus .. " GPUs" end), { kind = "lines", x = "GPUs", log = true })
    local points = map(sizes, function(gpus)
      local experts, batch = kind[3](gpus)
      return at(s, gpus, gpus, experts, batch, 1024)
    end)
    add({ what = "tokens per second", metric = "tps", points = points })
    add({ what = "time per output token", metric = "tpot", points = points })
    add({ what = "efficiency against 16 GPUs", claims = { "", "scaling.128", "scaling.128" }, metric = "tps", as = "share",
      points = points, versus = map(sizes, function() return points[1] end),
      scales = map(sizes, function(gpus) return { factor = 16 / gpus } end) })
  end
end

local function experts_and_lengths(s)
  local counts = { 16, 32, 64, 128 }
  local add = s.table("experts", "experts", "16 to 128 experts a layer on 128 GPUs",
    "512 sequences of 1024 tokens, an eighth of them prompt. With fewer experts than GPUs each has replicas.",
    map(counts, function(count) return count .. " experts" end), { kind = "lines", x = "experts a layer", log = true })
  for _, row in ipairs({ { "time per output token", "tpot" }, { "tokens per second", "tps" },
    { "share of dispatch and combine", "all_to_all" }, { "memory of the fullest GPU", "memory", "memory.most" } }) do
    add({ what = row[1], claims = row[3] and { row[3] }, metric = row[2],
      points = map(counts, function(count) return at(s, 128, 128, count, 512, 1024) end) })
  end
  local lengths = { 512, 1024, 2048, 4096 }
  add = s.table("lengths", "lengths", "By sequence length", "One sequence a GPU, an eighth of it prompt; as many experts as GPUs.",
    map(lengths, function(length) return length .. " tokens" end), { kind = "lines", x = "tokens a sequence", log = true })
  for _, gpus in ipairs(sizes) do
    add({ what = "EP=" .. gpus, metric = "tpot",
      points = map(lengths, function(length) return at(s, gpus, gpus, gpus, gpus, length) end) })
  end
  for _, gpus in ipairs(sizes) do
    add({ what = "memory, EP=" .. gpus, claims = { "memory.most" }, metric = "memory",
      points = map(lengths, function(length) return at(s, gpus, gpus, gpus, gpus, length) end) })
  end
  add = s.table("energy", "energy", "Energy of a new token", WHERE .. "A model: a GPU takes 75 W at rest (assumed) and up to "
    .. "700 W (board power of an H100 SXM) in the share of the step in which it computes. The document has no figure.",
    map(sizes, function(gpus) return "EP=" .. gpus end))
  add({ what = "energy of a new token", metric = "energy",
    points = map(sizes, function(gpus) return at(s, gpus, gpus, gpus, 4 * gpus, 1024) end) })
end

---@param claims table<string, number>
function M.study(claims)
  local s = study.new("large-ep-61.yaml", "h100-16x8.yaml")
  performance(s)
  degrees(s)
  scaling(s)
  experts_and_lengths(s)
  return { points = s.points, tables = s.tables, checks = arithmetic.checks(claims), untold = {
    { claims = { "dominant" }, why = "a degree, not a figure: the shares by degree stand above" },
    { claims = { "balance" }, why = "who is used follows from the weights and the text; only its bound is computed" },
  } }
end

return M
