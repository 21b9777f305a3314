/* latent_attention: causal attention over cached latents. Absorbed: the plain part of each query is carried into the
 * latent's space, so that all heads meet the cache as it lies, in parts; what is mixed is carried back as the parts come
 * together. Expanded: keys and values of some heads are made of a sequence's latents, and met as any. */
#include "attend_plain.cuh"
#include "attend_tensor.cuh"
#include "attend_wide.cuh"
#include "latent.cuh"

enum { UP = PLAIN_DIM + VALUE_DIM }; /* rows of latent_up a head */

extern __shared__ __align__(16) unsigned char latent_attention_shared[];

/* Rows [first_row, first_row + rows) of `sequences` sequences of `tokens` rows each, all pointers at the first sequence;
 * absorbed: carried [sequences x rows x heads][ENTRY], stats and sums of struct attend. Expanded: `heads` heads of one
 * sequence from `first_head` on, keys [CONTEXT][heads][HEAD_DIM], values [CONTEXT][heads][VALUE_DIM]. */
struct latent {
    const elem_t *queries, *latents, *up;
    const int *positions;
    elem_t *out, *carried, *keys, *values;
    float *stats, *sums;
    int tokens, all_heads, first_row, rows, first_head, heads, parts;
};

/* --- absorbed ------------------------------------------------------------------------------------------ */

/* Row of all sequences that row i of those at hand is. */
static __device__ __forceinline__ long_t latent_row(const struct latent &op, int i) {
    return (long_t)(i / op.rows) * op.tokens + op.first_row + i % op.rows;
}

/* A thread a column of carried queries, for CARRY_ROWS rows of one head; block (columns, head, rows). */
extern "C" __global__ void __launch_bounds__(CARRY_COLUMNS)
    latent_carry(const struct latent op, int count) {
    enum { STEP = 128 };
    __shared__ float query[CARRY_ROWS][STEP];
    const int head = blockIdx.y, first = blockIdx.z * CARRY_ROWS;
    const int column = blockIdx.x * CARRY_COLUMNS + threadIdx.x;
    const int rows = min(count - first, (int)CARRY_ROWS);
    const elem_t *up = op.up + (long_t)head * UP * KV_LATENT + column;
    float sums[CARRY_ROWS] = {};
    for (int k = 0; k < PLAIN_DIM; k += STEP) {
        const int width = min(PLAIN_DIM - k, (int)STEP);
        __syncthreads(); /* what lies there was read */
        for (int i = threadIdx.x; i < CARRY_ROWS * STEP; i += CARRY_COLUMNS) {
            const int row = min(i / STEP, rows - 1), at = i % STEP;
            const long_t from = (latent_row(op, first + row) * op.all_heads + head) * HEAD_DIM;
            query[i / STEP][at] = at < width ? elem_load(op.queries[from + k + at]) : 0.0f;
        }
        __syncthreads();
#pragma unroll 4
        for (int j = 0; column < KV_LATENT && j < width; ++j) {
            const float weight = elem_load(up[(long_t)(k + j) * KV_LATENT]);
#pragma unroll
            for (int i = 0; i < CARRY_ROWS; ++i)
                sums[i] = fmaf(query[i][j], weight, sums[i]);
        }
    }
#pragma unroll
    for (int i = 0; i < CARRY_ROWS; ++i) {
        if (i >= rows || column >= ENTRY)
            break;
        elem_t *to = op.carried + ((long_t)(first + i) * op.all_heads + head) * ENTRY + column;
        if (column < KV_LATENT)
            *to = elem_store(sums[i]);
        else
            *to = op.queries[(latent_row(op, first + i) * op.all_heads + head) * HEAD_DIM +
                             PLAIN_DIM + column - KV_LATENT];
    }
}

/* Block (tile x columns, part, sequence). */
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
    latent_absorbed(const struct latent op) {
    const int tile = gridDim.x - 1 - blockIdx.x, column = tile % LATENT_BLOCKS * LATENT_COLUMNS;
    const long_t pairs = (long_t)blockIdx.z * op.rows * op.all_heads;
    struct attend a = {};
    a.queries = op.carried + pairs * ENTRY;
    a.keys = a.values = op.latents + (long_t)blockIdx.z * CONTEXT * ENTRY;
    a.positions = op.positions + (long_t)blockIdx.z * op.tokens + op.first_row;
    a.stats = op.stats + pairs * op.parts * 2;
    a.sums = op.sums + pairs * op.parts * KV_LATENT;
    a.query_head = a.key_step = a.value_step = ENTRY;
    a.query_row = (long_t)op.all_heads * ENTRY;
    a.rows = op.rows;
    a.heads = a.all_heads = op.all_heads;
    a.part = blockIdx.y;
    a.parts = op.parts;
//% if view.dtype ~= "f32" then
    attend_wide<ENTRY, KV_LATENT>(a, latent_attention_shared, tile / LATENT_BLOCKS * LATENT_TILE,
                                  column);
//% else
    attend_plain<ENTRY, KV_LATENT>(a, tile / LATENT_BLOCKS * LATENT_TILE, column);
//% end
}

/* Parts come together, and what is mixed goes back: a thread an element of the value, for CARRY_ROWS rows of one head. */
extern "C" __global__ void __launch_bounds__(CARRY_COLUMNS)
    latent_value(const struct latent op, int count) {
    enum { STEP = 32 };
    __shared__ float latent[CARRY_ROWS][STEP], weight[CARRY_COLUMNS][STEP + 1];
    const int head = blockIdx.y, first = blockIdx.z * CARRY_ROWS;
    const int column = blockIdx.x * CARRY_COLUMNS, own = column + threadIdx.x;
    const elem_t *up = op.up + ((long_t)head * UP + PLAIN_DIM + column) * KV_LATENT;
    float sums[CARRY_ROWS] = {};
    for (int k = 0; k < KV_LATENT; k += STEP) {
        __syncthreads(); /* what lies there was read */
        for (int i = threadIdx.x; i < CARRY_ROWS * STEP; i += CARRY_COLUMNS) {
            const long_t pair = (long_t)(first + i / STEP) * op.all_heads + head;
            const int at = k + i % STEP;
            latent[i / STEP][i % STEP] =
                first + i / STEP < count && at < KV_LATENT
                    ? combined(op.stats + pair * op.parts * 2,
                               op.sums + pair * op.parts * KV_LATENT, op.parts, KV_LATENT, at)
                    : 0.0f;
        }
        for (int i = threadIdx.x; i < CARRY_COLUMNS * STEP; i += CARRY_COLUMNS) {
            const int row = i / STEP, at = k + i % STEP;
            weight[row][i % STEP] = column + row < VALUE_DIM && at < KV_LATENT
                                        ? elem_load(up[(long_t)row * KV_LATENT + at])
                                        : 0.0f;
        }
        __syncthreads();
#pragma unroll 4
        for (int j = 0; j < STEP; ++j)
#pragma unroll
            for (int i = 0; i < CARRY_ROWS; ++i)
                sums[i] = fmaf(latent[i][j], weight[threadIdx.x][j], sums[i]);
    }
#pragma unroll
    for (int i = 0; i < CARRY_ROWS; ++i)
        if (first + i < count && own < VALUE_DIM)
            op.out[(latent_row(op, first + i) * op.all_heads + head) * VALUE_DIM + own] =
                elem_store(sums[i]);
}

/* --- expanded ------------------------------------------------------------------------------------------ */

/* Element i of row `t` that a head's rows of latent_up make: of the key, then of the value. */
static __device__ __forceinline__ void expand_store(const struct latent &op, int t, int row,
                                                    float value) {
    const int head = row / UP, i = row % UP;
    const long_t at = (long_t)t * op.heads + head;
    if (head < op.heads && i < PLAIN_DIM)
        op.keys[at * HEAD_DIM + i] = elem_store(value);
    else if (head < op.heads)
        op.values[at * VALUE_DIM + i - PLAIN_DIM] = elem_store(value);
}

/* Block (tile of latent_up's rows, tile of positions); the first of a tile of positions adds the rotary keys. */
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS) latent_expand(const struct latent op) {
    const int first = blockIdx.y * EXPAND_TILE, row = blockIdx.x * EXPAND_TILE;
    struct attend a = {};
    a.positions = op.positions;
    a.rows = op.tokens;
    a.heads = a.parts = 1;
    const int end = min(attend_span(a, 0, op.tokens, 1).end, first + EXPAND_TILE);
    const elem_t *up = op.up + ((long_t)op.first_head * UP + row) * KV_LATENT;
    const int rows = min(op.heads * UP - row, (int)EXPAND_TILE);
    if (first >= end)
        return;
//% if view.dtype ~= "f32" then
    float sums[TENSOR_KEYS / 8][4];
    const struct side left = {op.latents + (long_t)first * ENTRY, ENTRY, end - first};
    const struct side right = {up, KV_LATENT, rows};
    wide_product<ENTRY % 8 == 0 && KV_LATENT % 8 == 0>(sums, (elem_t *)latent_attention_shared,
                                                       left, right, KV_LATENT);
    for (int n = 0; n < TENSOR_KEYS / 8; ++n) {
#pragma unroll
        for (int c = 0; c < 4; ++c) {
            const int t = first + threadIdx.x / WARP * 16 + threadIdx.x % WARP / 4 + c / 2 * 8;
            if (t < end)
                expand_store(op, t, row + n * 8 + threadIdx.x % 4 * 2 + c % 2, sums[n][c]);
        }
    }
//% else
    __shared__ struct plain_stage stage;
    float sums[4][2];
    if (threadIdx.x < PLAIN_PAIRS)
        stage.left_at[threadIdx.x] = (long_t)min(first + (int)threadIdx.x, end - 1) * ENTRY;
    plain_product<KV_LATENT>(sums, stage, op.latents, up, KV_LATENT, rows);
    for (int i = 0; i < 4; ++i) {
        const int t = first + threadIdx.x / 16 * 4 + i;
        for (int j = 0; j < 2; ++j)
            if (t < end)
                expand_store(op, t, row + threadIdx.x % 16 + 16 * j, sums[i][j]);
    }
//% end
    if (blockIdx.x > 0)
        return;
    for (int i = threadIdx.x; i < (end - first) * op.heads * ROPE_DIM; i += ATTEND_THREADS) {
        const long_t at = (long_t)first * op.heads + i / ROPE_DIM;
        op.keys[at * HEAD_DIM + PLAIN_DIM + i % ROPE_DIM] =
            op.latents[at / op.heads * ENTRY + KV_LATENT + i % ROPE_DIM];
    }
}

/* Block (tile of rows x columns, head of those at hand). */
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
    latent_expanded(const struct latent op) {
    const int tile = gridDim.x - 1 - blockIdx.x, row = tile / ATTEND_BLOCKS * PREFILL_PAIRS;
    const int head = op.first_head + blockIdx.y;
    struct attend a = {};
    a.queries = op.queries + (long_t)head * HEAD_DIM;
    a.keys = op.keys + blockIdx.y * HEAD_DIM;
    a.values = op.values + blockIdx.y * VALUE_DIM;
    a.positions = op.positions;
    a.out = op.out + (long_t)head * VALUE_DIM;
    a.query_row = (long_t)op.all_heads * HEAD_DIM;
    a.key_step = (long_t)op.heads * HEAD_DIM;
    a.value_step = (long_t)op.heads * VALUE_DIM;
    a.out_row = (long_t)op.all_heads * VALUE_DIM;
    a.rows = op.tokens;
    a.heads = a.all_heads = a.parts = 1;
//% if view.dtype ~= "f32" then
    if (BY_TENSOR) {
        attend_tensor(a, latent_attention_shared, row);
        return;
    }
//% end
    attend_plain<HEAD_DIM, VALUE_DIM>(a, row, tile % ATTEND_BLOCKS * PLAIN_COLUMNS);
}
