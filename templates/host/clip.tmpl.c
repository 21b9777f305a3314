/* clip: queries, keys and values limited to +-QKV_CLIP. */
#include "kernel.h"

rt_status kernel_clip(rt_rank *rank, const void *args) {
    const struct clip_args *a = args;
    elem_t *qkv = rt_at(rank, a->qkv);
    const int64_t width = ((int64_t)a->heads + 2 * a->kv_heads) * HEAD_DIM;
    const float limit = QKV_CLIP;

    for (int64_t i = 0; i < a->rows * width; ++i)
        qkv[i] = elem_store(fminf(fmaxf(elem_load(qkv[i]), -limit), limit));
    return RT_OK;
}
