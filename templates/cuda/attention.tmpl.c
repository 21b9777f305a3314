/* attention: tiles of (row, head) pairs that share a key-value head; a single row of each sequence in parts of the cache,
 * which are brought together. */
#include "attend.h"

enum { GROUP = HEADS / KV_HEADS }; /* query heads a key-value head */

/* As in attention.cu. */
struct attention {
    const void *qkv, *keys, *values, *positions;
    void *out, *parts_at;
    int32_t sequences, tokens, heads, kv_heads, head_begin, kv_begin, window, parts;
};

static rt_status decode(rt_rank *rank, struct attention *op) {
    const int64_t group = min_of(GROUP, op->heads);
    const int64_t pairs = (int64_t)op->sequences * op->heads;
    op->parts = parts_of((int64_t)op->sequences * op->kv_heads * blocks_of(group, SPLIT_PAIRS));
    rt_grid grid = {.x = blocks_of(group, DECODE_PAIRS) * ATTEND_BLOCKS,
                    .y = (uint32_t)op->kv_heads * (uint32_t)op->parts,
                    .z = (uint32_t)op->sequences,
                    .threads = ATTEND_THREADS,
                    .shared = BY_TENSOR ? TENSOR_SHARED_DECODE : 0};
    RT_TRY(rt_cuda_launch(rank, F_ATTENTION_DECODE, grid, (void *[]){op}));
    if (op->parts == 1)
        return RT_OK;
    return rt_cuda_launch(rank, F_ATTENTION_COMBINE, (rt_grid){(uint32_t)pairs, 1, 1, 128, 0},
                          (void *[]){&op->parts_at, &op->out, &op->parts});
}

rt_status kernel_attention(rt_rank *rank, const void *args) {
    const struct attention_args *a = args;
    const int64_t before = (int64_t)a->cache_first * CONTEXT * a->kv_heads * HEAD_DIM * $(view.element_bytes);
    struct attention op = {.qkv = rt_at(rank, a->qkv),
                           .keys = rt_at(rank, a->keys + before),
                           .values = rt_at(rank, a->values + before),
                           .positions = rt_at(rank, a->positions),
                           .out = rt_at(rank, a->out),
                           .parts_at = at_or_null(rank, a->workspace),
                           .sequences = a->sequences,
                           .tokens = a->tokens,
                           .heads = a->heads,
                           .kv_heads = a->kv_heads,
                           .head_begin = a->head_begin,
                           .kv_begin = a->kv_begin,
                           .window = a->window,
                           .parts = 1};
    if (a->tokens == 1)
        return decode(rank, &op);
    rt_grid grid = {.x = blocks_of(a->tokens * min_of(GROUP, a->heads), PREFILL_PAIRS) *
                         ATTEND_BLOCKS,
                    .y = (uint32_t)a->kv_heads,
                    .z = (uint32_t)a->sequences,
                    .threads = ATTEND_THREADS,
                    .shared = BY_TENSOR ? TENSOR_SHARED : 0};
    return rt_cuda_launch(rank, F_ATTENTION_PREFILL, grid, (void *[]){&op});
}
