/* rt_moves_cuda: see rt_moves_here.h. All ranks are threads of one process; each has its copy. */
#include "rt_moves_here.h"
#include "rt_moves.h"

#include "cuda/device.h"

#include <stdlib.h>

static char *copies[WORLD]; /* pinned, until the process ends */

void *moves_at(const rt_rank *rank, int64_t offset) {
    char **copy = &copies[rank->id];
    if (!*copy && cudaMallocHost((void **)copy, SLAB) != cudaSuccess)
        abort();
    return *copy + offset;
}

rt_status moves_put(rt_rank *rank) {
    RT_CUDA(rank, cudaMemcpyAsync(rt_at(rank, 0), moves_at(rank, 0), SLAB, cudaMemcpyHostToDevice,
                                  rank->backend->streams[0]));
    return RT_OK;
}

rt_status moves_get(rt_rank *rank) {
    RT_CUDA(rank, cudaMemcpyAsync(moves_at(rank, 0), rt_at(rank, 0), SLAB, cudaMemcpyDeviceToHost,
                                  rank->backend->streams[0]));
    RT_CUDA(rank, cudaStreamSynchronize(rank->backend->streams[0]));
    return RT_OK;
}
