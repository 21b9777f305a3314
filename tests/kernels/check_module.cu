/* check_module: the module of a program and what tests ask of its headers. */
#include "module.cu"

#include "kernel.cuh"

/* Of each 16-bit pattern: what is loaded, and what that is stored as. */
extern "C" __global__ void check_elements(float *loaded, unsigned short *stored) {
    const unsigned bits = blockIdx.x * blockDim.x + threadIdx.x;
    loaded[bits] = elem_load((elem_t)bits);
    stored[bits] = (unsigned short)elem_store(loaded[bits]);
}

/* What floats are stored as, some a thread. */
extern "C" __global__ void check_stores(const float *from, elem_t *to, int count) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        to[i] = elem_store(from[i]);
}
