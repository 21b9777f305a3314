--- roofline: constants of the default cost model, each with its source. Pure data: gen/schedule/cost*.c has the
--- equations, gen/schedule/cost_model.c the types. Seconds, bytes per second. `low` is a lower bound on times,
--- `high` a pessimistic value.
local M = {}

M.form = "roofline"
M.doc = "launch + max(FLOP / (peak x e), bytes / (bandwidth x e)), e by size; moves by NCCL's constants"

M.constants = {
  { name = "kernel_launch", unit = "s", low = 0, expected = 4e-6, high = 10e-6,
    source = "assumed; none in a captured graph" },
  { name = "compute_efficiency", unit = "of the efficiency by size", low = 1, expected = 1, high = 0.5,
    source = "assumed; the low case knows no efficiency by size" },
  { name = "memory_efficiency", unit = "of the efficiency by size", low = 1, expected = 1, high = 0.5,
    source = "assumed; the low case knows no efficiency by size" },
  { name = "move_base", unit = "s, at the least", low = 0, expected = 0, high = 20e-6,
    source = "expected: by protocol; high: what Vidur assumes for NCCL's launch" },
  { name = "link_efficiency", unit = "of the link's bandwidth", low = 1, expected = 0.8, high = 0.5,
    source = "NCCL topo.h: 240 of 300 GB/s on A100; high: Vidur's all-reduce on 8 A100" },
  { name = "nic_efficiency", unit = "of the NICs' bandwidth", low = 1, expected = 0.96, high = 0.72,
    source = "NCCL topo.h: 12 GB/s per 100 Gb/s; high: Vidur's H100 rows between nodes" },
  { name = "latency_factor", unit = "times the latency of hops", low = 1, expected = 1, high = 2,
    source = "assumed" },
}

-- Share of the peak that work of at least `amount` reaches.
M.efficiency = {
  source = "Calculon, systems/*.json: matrix and memory efficiency by size",
  flops = {
    { amount = 128e9, share = 0.95 }, { amount = 16e9, share = 0.9 },
    { amount = 1e9, share = 0.6 }, { amount = 0, share = 0.1 },
  },
  bytes = {
    { amount = 100e6, share = 0.9 }, { amount = 10e6, share = 0.75 },
    { amount = 1e6, share = 0.6 }, { amount = 0, share = 0.3 },
  },
}

-- How the library moves bytes: seconds before the first hop and of a hop, share of what is written that is payload.
-- The low case knows none of it: hops as the topology states them, all bytes payload.
M.moves = {
  source = "NCCL 2.30 tuning.cc, cost_model.cc: base and hop latencies, payload of protocols, most of LL, trees by size",
  tree_share = 0.92, -- of a ring's bandwidth
  protocols = {
    { name = "LL", payload = 0.5, nvlink_only = false, -- 4 bytes of flag with each 4
      ring = { base = 6.6e-6, nvlink = 0.6e-6, pcie = 1e-6, network = 2.7e-6 },
      tree = { base = 6.8e-6, nvlink = 0.6e-6, pcie = 1e-6, network = 5e-6 },
      tree_by_size = { 1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1 },
      near_factor = 1.8, -- hops in a node, where there are several nodes
      sends_most = 16384, -- bytes: NCCL_P2P_LL_THRESHOLD
      most = { -- bytes/s of an edge on 1, 2, and 4 or more nodes
        { gpu = "a100", one = 87.7e9, two = 22.5e9, more = 19e9 },
        { gpu = "h100", one = 141e9, two = 45e9, more = 35e9 },
        { gpu = "h200", one = 141e9, two = 45e9, more = 35e9 },
        { gpu = "h800", one = 141e9, two = 45e9, more = 35e9 },
      } },
    { name = "LL128", payload = 0.9375, nvlink_only = true, -- 8 bytes of flag with each 120
      ring = { base = 14e-6, nvlink = 1.9e-6, pcie = 2.5e-6, network = 4e-6 },
      tree = { base = 14e-6, nvlink = 1.25e-6, pcie = 1.9e-6, network = 8.5e-6 },
      tree_by_size = { 1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1 },
      sends_most = 0 },
    { name = "Simple", payload = 1, nvlink_only = false,
      ring = { base = 8.4e-6, nvlink = 3.4e-6, pcie = 5.7e-6, network = 14e-6 },
      tree = { base = 8.4e-6, nvlink = 4e-6, pcie = 4e-6, network = 14e-6 },
      tree_by_size = { .9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9 },
      plateau_factor = 1.4, -- latency of all-reduce rings across nodes, from so many bytes a member on
      plateau_from = 1024,
      sends_most = 1e18 },
  },
}

return M
