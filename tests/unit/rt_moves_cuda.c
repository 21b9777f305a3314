/* rt_moves_cuda: see rt_moves_here.h. All ranks are threads of one process; each has its copy. Device code: the runtime's
 * own functions, MOVES_FATBIN being what nvcc made of them. */
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
    RT_CUDA(rank, cudaEventRecord(rank->backend->done, rank->backend->streams[0]));
    return rt_device_wait(rank, rank->backend->done);
}

/* clang-format off */
__asm__(".pushsection .rodata,\"a\"\n.balign 64\nmoves_binary:\n.incbin \"" MOVES_FATBIN "\"\nmoves_binary_end:\n"
        ".popsection\n");
/* clang-format on */
extern const unsigned char moves_binary[], moves_binary_end[];

static const int32_t architectures[] = {90};
const rt_module moves_module = {.architectures = 1,
                                .architecture = architectures,
                                .binary = moves_binary,
                                .binary_end = moves_binary_end};
