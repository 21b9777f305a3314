/* attention: causal grouped-query attention over the cache. A block has pairs of one key-value head in one sequence; where
 * a sequence has one row, blocks divide the positions besides, and their results are brought together. */
#include "attend_plain.cuh"
#include "attend_tensor.cuh"

enum { GROUP = HEADS / KV_HEADS }; /* query heads a key-value head */

extern __shared__ __align__(16) unsigned char attention_shared[];

/* qkv [rows][(heads + 2 kv_heads) x D], keys and values [sequences][CONTEXT][kv_heads][D], out [rows][heads x D]; parts:
 * [rows x heads][parts], see struct attend, where there are several. */
struct attention {
    const elem_t *qkv, *keys, *values;
    const int *positions;
    elem_t *out;
    float *parts_at;
    int sequences, tokens, heads, kv_heads, head_begin, kv_begin, window, parts;
};

/* What block (x, kv + kv_heads x part, sequence) attends to; false where the key-value head has no head here. */
static __device__ __forceinline__ bool attention_block(const struct attention &op,
                                                       struct attend &a) {
    const int kv = blockIdx.y % op.kv_heads, sequence = blockIdx.z;
    const int begin = max((op.kv_begin + kv) * GROUP - op.head_begin, 0);
    const int end = min((op.kv_begin + kv + 1) * GROUP - op.head_begin, op.heads);
    const long_t first_row = (long_t)sequence * op.tokens, first = first_row * op.heads + begin;
    const long_t slot = ((long_t)sequence * CONTEXT * op.kv_heads + kv) * HEAD_DIM;
    a.query_row = (op.heads + 2 * op.kv_heads) * HEAD_DIM;
    a.query_head = a.out_head = HEAD_DIM;
    a.key_step = a.value_step = op.kv_heads * HEAD_DIM;
    a.out_row = op.heads * HEAD_DIM;
    a.queries = op.qkv + first_row * a.query_row + begin * HEAD_DIM;
    a.keys = op.keys + slot;
    a.values = op.values + slot;
    a.out = op.parts > 1 ? 0 : op.out + first * HEAD_DIM;
    a.stats = op.parts_at + first * op.parts * 2;
    a.sums = op.parts_at +
             ((long_t)op.sequences * op.tokens * op.heads * 2 + first * HEAD_DIM) * op.parts;
    a.positions = op.positions + first_row;
    a.rows = op.tokens;
    a.heads = end - begin;
    a.all_heads = op.heads;
    a.window = op.window;
    a.part = blockIdx.y / op.kv_heads;
    a.parts = op.parts;
    return end > begin;
}

/* The last rows first: they see most. */
extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
    attention_prefill(const struct attention op) {
    const int tile = gridDim.x - 1 - blockIdx.x, pair = tile / ATTEND_BLOCKS * PREFILL_PAIRS;
    struct attend a;
    if (!attention_block(op, a) || pair >= a.rows * a.heads)
        return;
//% if view.dtype ~= "f32" then
    if (BY_TENSOR) {
        attend_tensor(a, attention_shared, pair);
        return;
    }
//% end
    attend_plain<HEAD_DIM, HEAD_DIM>(a, pair, tile % ATTEND_BLOCKS * PLAIN_COLUMNS);
}

extern "C" __global__ void __launch_bounds__(ATTEND_THREADS)
    attention_decode(const struct attention op) {
    const int pair = blockIdx.x / ATTEND_BLOCKS * DECODE_PAIRS;
    struct attend a;
    if (!attention_block(op, a) || pair >= a.rows * a.heads)
        return;
//% if view.dtype ~= "f32" then
    if (BY_TENSOR) {
        attend_tensor_few(a, attention_shared, pair);
        return;
    }
//% end
    attend_plain<HEAD_DIM, HEAD_DIM>(a, pair, blockIdx.x % ATTEND_BLOCKS * PLAIN_COLUMNS);
}

/* A block a pair. */
extern "C" __global__ void attention_combine(const float *parts_at, elem_t *out, int parts) {
    const float *stats = parts_at + (long_t)blockIdx.x * parts * 2;
    const float *sums = parts_at + ((long_t)gridDim.x * 2 + (long_t)blockIdx.x * HEAD_DIM) * parts;
    for (int i = threadIdx.x; i < HEAD_DIM; i += blockDim.x)
        out[(long_t)blockIdx.x * HEAD_DIM + i] =
            elem_store(combined(stats, sums, parts, HEAD_DIM, i));
}
