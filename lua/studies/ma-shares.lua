--- More tables of the first deployment: communication, memory and energy, and what gen makes no prediction of.
local map = require("lib.study").map

local M = {}

local function communication(s, deployments, batches, at)
  local columns = map(batches, function(batch) return "batch " .. batch end)
  for _, part in ipairs({
    { "all_reduce", "all-reduce", "Share of sums and gathers (all-reduce)" },
    { "all_to_all", "all-to-all", "Share of dispatch and combine (all-to-all)" },
    { "communication", "total", "Share of all moves" },
  }) do
    local add = s.table("communication", "share-" .. part[1], part[3], "Of a decode step at 2048 tokens: how long moves are "
      .. "under way, the mean of all ranks, hidden or not. The documents' shares are of a training step, which also moves "
      .. "gradients and parameters.", columns)
    for _, of in ipairs(deployments) do
      add({ what = of[1], claims = of[3] and { "share." .. part[2] .. "." .. of[3] }, metric = part[1],
        points = map(batches, function(batch) return s.point(of[2], at(batch, 2048)) end) })
    end
  end
  local add = s.table("communication", "hidden", "Communication behind computation",
    "The share of the time of moves in which kernels of the same rank run.", columns)
  for i = 5, 7 do
    add({ what = deployments[i][1], claims = { "hidden" }, metric = "hidden",
      points = map(batches, function(batch) return s.point(deployments[i][2], at(batch, 2048)) end) })
  end
end

local function memory(s, deployments, batches, at)
  local columns = map(batches, function(batch) return "batch " .. batch end)
  local add = s.table("memory", "memory", "Memory of the fullest GPU",
    "Inference: weights in bf16, the cache of keys and values, buffers. Counted, not estimated. The documents' figures are "
      .. "of training, on GPUs of 80 GiB.", columns)
  for _, of in ipairs(deployments) do
    add({ what = of[1], claims = of[3] and { "memory.total." .. of[3] }, metric = "memory",
      points = map(batches, function(batch) return s.point(of[2], at(batch, 2048)) end) })
  end
  add = s.table("memory", "weights", "Weights of the GPU that holds most", "In bf16, without gradients and optimiser.",
    { "batch 24" })
  for _, of in ipairs(deployments) do
    add({ what = of[1], claims = of[3] and { "memory.parameters." .. of[3] }, metric = "weights",
      points = { s.point(of[2], at(24, 2048)) } })
  end
  add = s.table("memory", "training", "What training would keep for the weights of that GPU",
    "16 bytes a parameter: bf16 weights and gradients, float32 master weights and two moments; activations come on top. "
      .. "The claims are totals with activations and buffers.", { "batch 24" })
  for _, of in ipairs(deployments) do
    add({ what = of[1], claims = of[3] and { "memory.total." .. of[3] }, metric = "training_state",
      points = { s.point(of[2], at(24, 2048)) } })
  end
end

local function energy(s, deployments, batches, at)
  local add = s.table("energy", "energy", "Energy of a new token",
    "A model: each of the 16 GPUs takes 60 W at rest (assumed) and up to 400 W (board power of an A100 SXM) in the share of the "
      .. "step in which it computes; hosts, switches and cooling are left out.",
    map(batches, function(batch) return "batch " .. batch end), { kind = "spans", log = true })
  for i, of in ipairs(deployments) do
    local claim = ({ ma = "energy.ma", ["tp-pp"] = "energy.base" })[of[3]]
    if i ~= 7 then
      add({ what = of[1], claims = claim and { claim }, metric = "energy",
        points = map(batches, function(batch) return s.point(of[2], at(batch, 2048)) end) })
    end
  end
end

function M.add(s, deployments, batches, at)
  communication(s, deployments, batches, at)
  memory(s, deployments, batches, at)
  energy(s, deployments, batches, at)
end

M.untold = {
  { claims = { "share.gradients.ma", "share.broadcast.ma" }, why = "gen plans no training step yet, so nothing moves gradients or parameters" },
  { claims = { "training.perplexity.ma", "training.steps.ma" }, why = "what a model learns does not follow from where it is placed" },
  { claims = { "fault.gpu.ma", "fault.experts", "fault.attention" }, why = "emitted programs end when a rank is lost; recovery is not planned" },
  { claims = { "software.cuda", "software.nccl" }, why = "emitted programs need CUDA 12.8 and NCCL 2.19 or newer" },
  { claims = { "usage.least", "usage.most" }, why = "who is used follows from the weights and the text; only its bounds are computed" },
}

return M
