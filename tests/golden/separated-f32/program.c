/* Program separated-f32 as the runtime sees it: roles, steps, bounds. Made by gen: do not edit. */
#include "program.h"

#include "ops.h"

/* clang-format off */

/* kind, part, index of the kind, micro-batch, stream, recorded, waits, provenance; by operation id */
static const rt_op ops_attention[] = {
    {"begin", "embed", 0, 0, 0, false, {-1}, "lower_attention.c: token ids of the micro-batch"}, /* 0 */
    {"embed", "embed", 2, 0, 0, false, {-1}, "lower_attention.c: embedding of the held entries"}, /* 1 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 2 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 3 */
    {"rope_append", "attention", 10, 0, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 4 */
    {"attention", "attention", 12, 0, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 5 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 6 */
    {"add", "attention", 16, 0, 0, false, {-1}, "lower_attention.c: residual"}, /* 7 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 8 */
    {"route", "attention", 17, 0, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 9 */
    {"pack", "attention", 19, 0, 0, true, {-1}, "lower_experts.c: rows by the holders of their experts"}, /* 10 */
    {"dispatch", "dispatch", 29, 0, 1, true, {10, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 11 */
    {"begin", "embed", 0, 1, 0, false, {-1}, "lower_attention.c: token ids of the micro-batch"}, /* 12 */
    {"embed", "embed", 2, 1, 0, false, {-1}, "lower_attention.c: embedding of the held entries"}, /* 13 */
    {"rms_norm", "attention", 3, 1, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 14 */
    {"linear", "attention", 5, 1, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 15 */
    {"rope_append", "attention", 10, 1, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 16 */
    {"attention", "attention", 12, 1, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 17 */
    {"linear", "attention", 5, 1, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 18 */
    {"add", "attention", 16, 1, 0, false, {-1}, "lower_attention.c: residual"}, /* 19 */
    {"rms_norm", "attention", 3, 1, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 20 */
    {"route", "attention", 17, 1, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 21 */
    {"pack", "attention", 19, 1, 0, true, {-1}, "lower_experts.c: rows by the holders of their experts"}, /* 22 */
    {"dispatch", "dispatch", 29, 1, 1, true, {22, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 23 */
    {"combine", "combine", 30, 0, 2, true, {10, -1}, "lower_experts.c: results back to the owners"}, /* 24 */
    {"weighted_sum", "combine", 20, 0, 0, false, {24, -1}, "lower_experts.c: experts' results by their weights"}, /* 25 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 26 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 27 */
    {"rope_append", "attention", 10, 0, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 28 */
    {"attention", "attention", 12, 0, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 29 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 30 */
    {"add", "attention", 16, 0, 0, false, {-1}, "lower_attention.c: residual"}, /* 31 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 32 */
    {"route", "attention", 17, 0, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 33 */
    {"pack", "attention", 19, 0, 0, true, {11, -1}, "lower_experts.c: rows by the holders of their experts"}, /* 34 */
    {"dispatch", "dispatch", 29, 0, 1, false, {34, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 35 */
    {"combine", "combine", 30, 1, 2, true, {22, -1}, "lower_experts.c: results back to the owners"}, /* 36 */
    {"weighted_sum", "combine", 20, 1, 0, false, {36, -1}, "lower_experts.c: experts' results by their weights"}, /* 37 */
    {"rms_norm", "attention", 3, 1, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 38 */
    {"linear", "attention", 5, 1, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 39 */
    {"rope_append", "attention", 10, 1, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 40 */
    {"attention", "attention", 12, 1, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 41 */
    {"linear", "attention", 5, 1, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 42 */
    {"add", "attention", 16, 1, 0, false, {-1}, "lower_attention.c: residual"}, /* 43 */
    {"rms_norm", "attention", 3, 1, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 44 */
    {"route", "attention", 17, 1, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 45 */
    {"pack", "attention", 19, 1, 0, true, {23, -1}, "lower_experts.c: rows by the holders of their experts"}, /* 46 */
    {"dispatch", "dispatch", 29, 1, 1, false, {46, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 47 */
    {"combine", "combine", 30, 0, 2, true, {34, -1}, "lower_experts.c: results back to the owners"}, /* 48 */
    {"weighted_sum", "combine", 20, 0, 0, false, {48, -1}, "lower_experts.c: experts' results by their weights"}, /* 49 */
    {"rms_norm", "head", 3, 0, 0, false, {-1}, "lower_head.c: final norm"}, /* 50 */
    {"head", "head", 22, 0, 0, false, {-1}, "lower_head.c: logits of the held entries"}, /* 51 */
    {"choose", "head", 23, 0, 0, false, {-1}, "lower_head.c: the next token of each sequence"}, /* 52 */
    {"finish", "head", 1, 0, 0, false, {-1}, "lower_head.c: the choice into the request table"}, /* 53 */
    {"combine", "combine", 30, 1, 2, true, {46, -1}, "lower_experts.c: results back to the owners"}, /* 54 */
    {"weighted_sum", "combine", 20, 1, 0, false, {54, -1}, "lower_experts.c: experts' results by their weights"}, /* 55 */
    {"rms_norm", "head", 3, 1, 0, false, {-1}, "lower_head.c: final norm"}, /* 56 */
    {"head", "head", 22, 1, 0, false, {-1}, "lower_head.c: logits of the held entries"}, /* 57 */
    {"choose", "head", 23, 1, 0, false, {-1}, "lower_head.c: the next token of each sequence"}, /* 58 */
    {"finish", "head", 1, 1, 0, false, {-1}, "lower_head.c: the choice into the request table"}, /* 59 */
    {"begin", "embed", 0, 0, 0, false, {-1}, "lower_attention.c: token ids of the micro-batch"}, /* 60 */
    {"embed", "embed", 2, 0, 0, false, {-1}, "lower_attention.c: embedding of the held entries"}, /* 61 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 62 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 63 */
    {"rope_append", "attention", 10, 0, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 64 */
    {"attention", "attention", 12, 0, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 65 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 66 */
    {"add", "attention", 16, 0, 0, false, {-1}, "lower_attention.c: residual"}, /* 67 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 68 */
    {"route", "attention", 17, 0, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 69 */
    {"pack", "attention", 19, 0, 0, true, {-1}, "lower_experts.c: rows by the holders of their experts"}, /* 70 */
    {"dispatch", "dispatch", 29, 0, 1, true, {70, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 71 */
    {"combine", "combine", 30, 0, 2, true, {70, -1}, "lower_experts.c: results back to the owners"}, /* 72 */
    {"weighted_sum", "combine", 20, 0, 0, false, {72, -1}, "lower_experts.c: experts' results by their weights"}, /* 73 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 74 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 75 */
    {"rope_append", "attention", 10, 0, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 76 */
    {"attention", "attention", 12, 0, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 77 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 78 */
    {"add", "attention", 16, 0, 0, false, {-1}, "lower_attention.c: residual"}, /* 79 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 80 */
    {"route", "attention", 17, 0, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 81 */
    {"pack", "attention", 19, 0, 0, true, {71, -1}, "lower_experts.c: rows by the holders of their experts"}, /* 82 */
    {"dispatch", "dispatch", 29, 0, 1, false, {82, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 83 */
    {"combine", "combine", 30, 0, 2, true, {82, -1}, "lower_experts.c: results back to the owners"}, /* 84 */
    {"weighted_sum", "combine", 20, 0, 0, false, {84, -1}, "lower_experts.c: experts' results by their weights"}, /* 85 */
    {"rms_norm", "head", 3, 0, 0, false, {-1}, "lower_head.c: final norm"}, /* 86 */
    {"head", "head", 22, 0, 0, false, {-1}, "lower_head.c: logits of the held entries"}, /* 87 */
    {"choose", "head", 23, 0, 0, false, {-1}, "lower_head.c: the next token of each sequence"}, /* 88 */
    {"finish", "head", 1, 0, 0, false, {-1}, "lower_head.c: the choice into the request table"}, /* 89 */
};

static const rt_op ops_experts[] = {
    {"dispatch", "dispatch", 29, 0, 1, true, {-1}, "lower_experts.c: rows to the holders of their experts"}, /* 0 */
    {"expert_ffn", "experts", 24, 0, 0, true, {0, -1}, "lower_experts.c: the local experts"}, /* 1 */
    {"dispatch", "dispatch", 29, 1, 1, true, {-1}, "lower_experts.c: rows to the holders of their experts"}, /* 2 */
    {"combine", "combine", 30, 0, 2, true, {1, -1}, "lower_experts.c: results back to the owners"}, /* 3 */
    {"expert_ffn", "experts", 24, 1, 0, true, {2, -1}, "lower_experts.c: the local experts"}, /* 4 */
    {"dispatch", "dispatch", 29, 0, 1, true, {1, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 5 */
    {"combine", "combine", 30, 1, 2, true, {4, -1}, "lower_experts.c: results back to the owners"}, /* 6 */
    {"expert_ffn", "experts", 24, 0, 0, true, {5, 3, -1}, "lower_experts.c: the local experts"}, /* 7 */
    {"dispatch", "dispatch", 29, 1, 1, true, {4, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 8 */
    {"combine", "combine", 30, 0, 2, false, {7, -1}, "lower_experts.c: results back to the owners"}, /* 9 */
    {"expert_ffn", "experts", 24, 1, 0, true, {8, 6, -1}, "lower_experts.c: the local experts"}, /* 10 */
    {"combine", "combine", 30, 1, 2, false, {10, -1}, "lower_experts.c: results back to the owners"}, /* 11 */
    {"dispatch", "dispatch", 29, 0, 1, true, {13, -1}, "lower_experts.c: rows to the holders of their experts"}, /* 12 */
    {"expert_ffn", "experts", 24, 0, 0, true, {12, 14, -1}, "lower_experts.c: the local experts"}, /* 13 */
    {"combine", "combine", 30, 0, 2, true, {13, -1}, "lower_experts.c: results back to the owners"}, /* 14 */
};

static const rt_role roles[] = {
    {
        .name = "attention",
        .slab_bytes = INT64_C(1092096),
        .zero_offset = INT64_C(365824),
        .zero_bytes = INT64_C(147456),
        .ops = ops_attention,
        .op_count = 90,
    },
    {
        .name = "experts",
        .slab_bytes = INT64_C(1275904),
        .zero_offset = INT64_C(786432),
        .zero_bytes = INT64_C(0),
        .ops = ops_experts,
        .op_count = 15,
    },
};

static const rt_step steps[] = {
    {
        .name = "prefill",
        .decode = false,
        .captured = false,
        .tokens = 24,
        .run = (const rt_step_fn[]){attention_prefill, experts_prefill},
    },
    {
        .name = "decode",
        .decode = true,
        .captured = true,
        .tokens = 1,
        .run = (const rt_step_fn[]){attention_decode, experts_decode},
    },
};

static const char *const kinds[] = {
    "begin",
    "finish",
    "embed",
    "rms_norm",
    "layer_norm",
    "linear",
    "head_norm",
    "norm_squares",
    "norm_scale",
    "clip",
    "rope_append",
    "append",
    "attention",
    "latent_norm",
    "latent_append",
    "latent_attention",
    "add",
    "route",
    "capacity",
    "pack",
    "weighted_sum",
    "dense_ffn",
    "head",
    "choose",
    "expert_ffn",
    "all_reduce",
    "reduce_scatter",
    "all_gather",
    "transfer",
    "dispatch",
    "combine",
    "send",
    "recv",
};

/* Of those for moves peers wait: they go first. */
static const char *const streams[] = {
    "compute",
    "dispatch",
    "combine",
    "collectives",
};
static const bool urgent[] = {
    false, /* compute */
    true, /* dispatch */
    true, /* combine */
    true, /* collectives */
};

/* Index of the kind, slab offsets (int64_t), numbers (int32_t): the arguments of each kernel. */
static const rt_kernel_args kernel_args[] = {
    [K_EMBED] = {2, 5, 3},
    [K_RMS_NORM] = {3, 3, 1},
    [K_LINEAR] = {5, 5, 3},
    [K_ROPE_APPEND] = {10, 4, 5},
    [K_ATTENTION] = {12, 6, 8},
    [K_ADD] = {16, 2, 1},
    [K_ROUTE] = {17, 8, 1},
    [K_PACK] = {19, 7, 3},
    [K_WEIGHTED_SUM] = {20, 5, 1},
    [K_HEAD] = {22, 5, 6},
    [K_CHOOSE] = {23, 2, 4},
    [K_EXPERT_FFN] = {24, 12, 6},
};

/* What only kernels read: name, numbers, how many, bytes of each. */
static const rt_table tables[] = {
    {"route_rows", route_rows, 2, 4},
    {"routes", routes, 16, 2},
};

/* clang-format on */

const rt_program program = {
    .abi = RT_ABI_VERSION,
    .name = "separated-f32",
    .version = GEN_VERSION,
    .digest = PLAN_DIGEST,
    .schedule = SCHEDULE_DIGEST,
    .certificate = CERTIFICATE_DIGEST,
    .world = 4,
    .roles = 2,
    .steps = 2,
    .channels = 2,
    .exchanges = 3,
    .kinds = 33,
    .kernels = KERNELS,
    .streams = 4,
    .places = places,
    .role = roles,
    .step = steps,
    .channel = channels,
    .exchange = exchanges,
    .kind = kinds,
    .kernel = kernels,
    .kernel_args = kernel_args,
    .stream = streams,
    .urgent = urgent,
    .module = &module,
    .tables = 2,
    .table = tables,
    .nodes = 1,
    .node = nodes,
    .network_seconds = 0.0,
    .batch = BATCH,
    .prompt = PROMPT,
    .context = CONTEXT,
    .vocabulary = VOCABULARY,
    .candidates = CANDIDATES,
    .copies = 1,
    .type = RT_F32,
    .initializer_range = 0.08f,
};
