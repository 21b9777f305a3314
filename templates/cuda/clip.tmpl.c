/* clip: 16 bytes a thread. */
#include "kernel.h"

rt_status kernel_clip(rt_rank *rank, const void *args) {
    enum { THREADS = 256, WIDE = 16 / ELEMENT_BYTES };
    const struct clip_args *a = args;
    void *qkv = rt_at(rank, a->qkv);
    int64_t count = (int64_t)a->rows * ((int64_t)a->heads + 2 * (int64_t)a->kv_heads) * HEAD_DIM;
    return rt_cuda_launch(rank, F_CLIP, grid_of(blocks_of(count, THREADS * WIDE), THREADS),
                          (void *[]){&qkv, &count});
}
