/* ring: see ring.h. Buffers take turns; one that is on its way is waited for when its turn comes again. There are more of
 * them than threads that stage. */
#include "cuda/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { READERS = 4 /* at most: one does not fill a disk's queue, and each wants a processor */ };

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
    pthread_mutex_t lock; /* of whose turn it is, and what is taken */
    Buffer buffer[RING_BUFFERS];
    int next;
};

rt_ring *rt_ring_create(void) {
    rt_ring *ring = calloc(1, sizeof *ring);
    if (ring)
        pthread_mutex_init(&ring->lock, NULL);
    return ring;
}

void rt_ring_free(rt_ring *ring) {
    for (int i = 0; ring && i < RING_BUFFERS; ++i) {
        if (ring->buffer[i].host)
            cudaFreeHost(ring->buffer[i].host);
        if (ring->buffer[i].moved)
            cudaEventDestroy(ring->buffer[i].moved);
    }
    if (ring)
        pthread_mutex_destroy(&ring->lock);
    free(ring);
}

int rt_backend_readers(const rt_rank *rank) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long share = processors / rank->backend->process->ranks;
    return share < 1 ? 1 : share < READERS ? (int)share : READERS;
}

/* One whose turn it is; -1: all are taken. */
static int turn_take(rt_ring *ring) {
    int taken = -1;
    pthread_mutex_lock(&ring->lock);
    for (int i = 0; taken < 0 && i < RING_BUFFERS; ++i) {
        int at = (ring->next + i) % RING_BUFFERS;
        if (ring->buffer[at].taken)
            continue;
        ring->buffer[at].taken = true;
        ring->next = (at + 1) % RING_BUFFERS;
        taken = at;
    }
    pthread_mutex_unlock(&ring->lock);
    return taken;
}

static rt_status buffer_grow(rt_rank *rank, Buffer *buffer, size_t bytes) {
    if (buffer->bytes >= bytes)
        return RT_OK;
    if (buffer->host)
        RT_CUDA(rank, cudaFreeHost(buffer->host));
    *buffer = (Buffer){.taken = true, .moved = buffer->moved};
    bytes = bytes > RING_BYTES ? bytes : RING_BYTES;
    RT_CUDA(rank, cudaHostAlloc((void **)&buffer->host, bytes, cudaHostAllocDefault));
    buffer->bytes = bytes;
    return RT_OK;
}

/* A buffer with room for `bytes` that is not on its way. */
static rt_status buffer_take(rt_rank *rank, size_t bytes, Buffer **taken) {
    rt_ring *ring = rank->backend->ring;
    int at = turn_take(ring);
    if (at < 0)
        return rt_fail(rank, RT_SOFTWARE, "more than %d parts are staged at once", RING_BUFFERS);
    Buffer *buffer = *taken = &ring->buffer[at];
    RT_CUDA(rank, cudaSetDevice(rank->backend->process->device)); /* a thread begins with none */
    if (!buffer->moved)
        RT_CUDA(rank, cudaEventCreateWithFlags(&buffer->moved, cudaEventDisableTiming));
    RT_TRY(rt_device_wait(rank, buffer->moved));
    return buffer_grow(rank, buffer, bytes);
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
    stage->own = NULL;
    pthread_mutex_lock(&rank->backend->ring->lock);
    buffer->taken = false;
    pthread_mutex_unlock(&rank->backend->ring->lock);
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
