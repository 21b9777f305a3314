/* clip: queries, keys and values limited to +-QKV_CLIP, 16 bytes a thread. */
#include "kernel.cuh"

/* qkv [count] */
extern "C" __global__ void clip(elem_t *qkv, long_t count) {
    const float limit = (float)QKV_CLIP;
    const long_t first = ((long_t)blockIdx.x * blockDim.x + threadIdx.x) * WIDE;
    if (first + WIDE <= count) {
        struct wide x = *(const struct wide *)(qkv + first);
        for (int i = 0; i < WIDE; ++i)
            x.e[i] = elem_store(fminf(fmaxf(elem_load(x.e[i]), -limit), limit));
        *(struct wide *)(qkv + first) = x;
        return;
    }
    for (long_t i = first; i < count; ++i)
        qkv[i] = elem_store(fminf(fmaxf(elem_load(qkv[i]), -limit), limit));
}
