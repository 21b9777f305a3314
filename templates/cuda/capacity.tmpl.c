/* capacity: a block a sequence. */
#include "kernel.h"

rt_status kernel_capacity(rt_rank *rank, const void *args) {
    const struct capacity_args *a = args;
    const void *positions = rt_at(rank, a->positions);
    void *choice = rt_at(rank, a->choice), *taken = rt_at(rank, a->workspace);
    int32_t tokens = a->tokens;
    return rt_cuda_launch(rank, F_CAPACITY, (rt_grid){(uint32_t)a->sequences, 1, 1, 256, 0},
                          (void *[]){&positions, &choice, &taken, &tokens});
}
