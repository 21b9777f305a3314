/* Program single-f32 as the runtime sees it: roles, steps, bounds. Made by gen: do not edit. */
#include "program.h"

#include "ops.h"

/* clang-format off */

/* kind, part, index of the kind, micro-batch, stream, recorded, waits, provenance; by operation id */
static const rt_op ops_worker[] = {
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
    {"pack", "attention", 19, 0, 0, false, {-1}, "lower_experts.c: rows by the holders of their experts"}, /* 10 */
    {"expert_ffn", "experts", 24, 0, 0, false, {-1}, "lower_experts.c: the local experts"}, /* 11 */
    {"weighted_sum", "combine", 20, 0, 0, false, {-1}, "lower_experts.c: experts' results by their weights"}, /* 12 */
    {"rms_norm", "head", 3, 0, 0, false, {-1}, "lower_head.c: final norm"}, /* 13 */
    {"head", "head", 22, 0, 0, false, {-1}, "lower_head.c: logits of the held entries"}, /* 14 */
    {"choose", "head", 23, 0, 0, false, {-1}, "lower_head.c: the next token of each sequence"}, /* 15 */
    {"finish", "head", 1, 0, 0, false, {-1}, "lower_head.c: the choice into the request table"}, /* 16 */
    {"begin", "embed", 0, 0, 0, false, {-1}, "lower_attention.c: token ids of the micro-batch"}, /* 17 */
    {"embed", "embed", 2, 0, 0, false, {-1}, "lower_attention.c: embedding of the held entries"}, /* 18 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_attention.c: norm before attention"}, /* 19 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: query, key, value of the local heads"}, /* 20 */
    {"rope_append", "attention", 10, 0, 0, false, {-1}, "lower_attention.c: keys and values into the cache"}, /* 21 */
    {"attention", "attention", 12, 0, 0, false, {-1}, "lower_attention.c: the local heads"}, /* 22 */
    {"linear", "attention", 5, 0, 0, false, {-1}, "lower_attention.c: output projection of the local heads"}, /* 23 */
    {"add", "attention", 16, 0, 0, false, {-1}, "lower_attention.c: residual"}, /* 24 */
    {"rms_norm", "attention", 3, 0, 0, false, {-1}, "lower_ffn.c: norm before experts and feed-forwards"}, /* 25 */
    {"route", "attention", 17, 0, 0, false, {-1}, "lower_attention.c: router of the rows routed here"}, /* 26 */
    {"pack", "attention", 19, 0, 0, false, {-1}, "lower_experts.c: rows by the holders of their experts"}, /* 27 */
    {"expert_ffn", "experts", 24, 0, 0, false, {-1}, "lower_experts.c: the local experts"}, /* 28 */
    {"weighted_sum", "combine", 20, 0, 0, false, {-1}, "lower_experts.c: experts' results by their weights"}, /* 29 */
    {"rms_norm", "head", 3, 0, 0, false, {-1}, "lower_head.c: final norm"}, /* 30 */
    {"head", "head", 22, 0, 0, false, {-1}, "lower_head.c: logits of the held entries"}, /* 31 */
    {"choose", "head", 23, 0, 0, false, {-1}, "lower_head.c: the next token of each sequence"}, /* 32 */
    {"finish", "head", 1, 0, 0, false, {-1}, "lower_head.c: the choice into the request table"}, /* 33 */
};

static const rt_role roles[] = {
    {
        .name = "worker",
        .slab_bytes = INT64_C(3173120),
        .zero_offset = INT64_C(1938688),
        .zero_bytes = INT64_C(294912),
        .ops = ops_worker,
        .op_count = 34,
    },
};

static const rt_step steps[] = {
    {
        .name = "prefill",
        .decode = false,
        .captured = false,
        .tokens = 24,
        .run = (const rt_step_fn[]){worker_prefill},
    },
    {
        .name = "decode",
        .decode = true,
        .captured = true,
        .tokens = 1,
        .run = (const rt_step_fn[]){worker_decode},
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
    .name = "single-f32",
    .version = GEN_VERSION,
    .digest = PLAN_DIGEST,
    .schedule = SCHEDULE_DIGEST,
    .certificate = CERTIFICATE_DIGEST,
    .world = 1,
    .roles = 1,
    .steps = 2,
    .channels = 0,
    .exchanges = 2,
    .kinds = 33,
    .kernels = KERNELS,
    .streams = 4,
    .places = places,
    .role = roles,
    .step = steps,
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
