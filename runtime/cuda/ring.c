/* ring: see ring.h. Buffers take turns; one that is on its way is waited for when its turn comes again. */
#include "cuda/ring.h"

#include <stdlib.h>

enum {
    RING_BUFFERS = 8,
    RING_BYTES = 2 << 20 /* the least of a buffer: more than core stages together */
};

typedef struct Buffer {
    char *host;
    size_t bytes;
    bool taken;        /* between stage and store */
    cudaEvent_t moved; /* to the device */
} Buffer;

struct rt_ring {
    Buffer buffer[RING_BUFFERS];
    int next;
};

rt_ring *rt_ring_create(void) {
    return calloc(1, sizeof(rt_ring));
}

void rt_ring_free(rt_ring *ring) {
    for (int i = 0; ring && i < RING_BUFFERS; ++i) {
        if (ring->buffer[i].host)
            cudaFreeHost(ring->buffer[i].host);
        if (ring->buffer[i].moved)
            cudaEventDestroy(ring->buffer[i].moved);
    }
    free(ring);
}

/* The buffer whose turn it is, with room for `bytes`, not on its way. */
static rt_status buffer_take(rt_rank *rank, size_t bytes, Buffer **taken) {
    rt_ring *ring = rank->backend->ring;
    int tries = 0;
    while (tries < RING_BUFFERS && ring->buffer[ring->next].taken) {
        ring->next = (ring->next + 1) % RING_BUFFERS;
        ++tries;
    }
    if (tries == RING_BUFFERS)
        return rt_fail(rank, RT_SOFTWARE, "more than %d rows are staged at once", RING_BUFFERS);
    Buffer *buffer = &ring->buffer[ring->next];
    ring->next = (ring->next + 1) % RING_BUFFERS;
    if (!buffer->moved)
        RT_CUDA(rank, cudaEventCreateWithFlags(&buffer->moved, cudaEventDisableTiming));
    RT_TRY(rt_device_wait(rank, buffer->moved));
    if (buffer->bytes < bytes) {
        if (buffer->host)
            RT_CUDA(rank, cudaFreeHost(buffer->host));
        buffer->host = NULL;
        buffer->bytes = bytes > RING_BYTES ? bytes : RING_BYTES;
        cudaError_t error =
            cudaHostAlloc((void **)&buffer->host, buffer->bytes, cudaHostAllocDefault);
        if (error != cudaSuccess)
            buffer->bytes = 0;
        RT_TRY(rt_device_told(rank, error, "cudaHostAlloc"));
    }
    buffer->taken = true;
    *taken = buffer;
    return RT_OK;
}

rt_status rt_backend_stage(rt_rank *rank, rt_stage *stage) {
    Buffer *buffer = NULL;
    if (stage->rows < 1 || stage->width < 0 || stage->pitch < stage->width || stage->offset < 0 ||
        stage->offset + (stage->rows - 1) * stage->pitch + stage->width > rank->role->slab_bytes)
        return rt_fail(rank, RT_SOFTWARE, "%lld rows of %lld bytes at offset %lld do not fit",
                       (long long)stage->rows, (long long)stage->width, (long long)stage->offset);
    RT_TRY(buffer_take(rank, (size_t)(stage->rows * stage->pitch), &buffer));
    stage->host = buffer->host;
    stage->own = buffer;
    return RT_OK;
}

rt_status rt_backend_store(rt_rank *rank, rt_stage *stage) {
    Buffer *buffer = stage->own;
    cudaStream_t stream = rank->backend->streams[0];
    RT_CUDA(rank, cudaMemcpy2DAsync(rank->slab + stage->offset, (size_t)stage->pitch, stage->host,
                                    (size_t)stage->pitch, (size_t)stage->width, (size_t)stage->rows,
                                    cudaMemcpyHostToDevice, stream));
    RT_CUDA(rank, cudaEventRecord(buffer->moved, stream));
    buffer->taken = false;
    stage->own = NULL;
    return RT_OK;
}

/* The memory is not needed any more: steps read and write by other ways. */
rt_status rt_backend_stored(rt_rank *rank) {
    rt_backend *backend = rank->backend;
    RT_CUDA(rank, cudaEventRecord(backend->done, backend->streams[0]));
    RT_TRY(rt_device_wait(rank, backend->done));
    rt_ring_free(backend->ring);
    backend->ring = NULL;
    return RT_OK;
}
