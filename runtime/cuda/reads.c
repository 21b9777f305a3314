/* reads: see reads.h. A buffer is taken again when what came before it is on the host: logits of a long prompt are more
 * than anyone would pin. */
#include "cuda/reads.h"

#include <stdlib.h>

enum { READ_BUFFERS = 8, READ_BYTES = 2 << 20 };

typedef struct Read {
    char *host; /* READ_BYTES, pinned */
    cudaEvent_t come;
    void *to; /* NULL: nothing is under way */
    size_t bytes;
} Read;

struct rt_reads {
    Read read[READ_BUFFERS];
    int next;
};

rt_reads *rt_reads_create(void) {
    return calloc(1, sizeof(rt_reads));
}

void rt_reads_free(rt_reads *reads) {
    for (int i = 0; reads && i < READ_BUFFERS; ++i) {
        if (reads->read[i].host)
            cudaFreeHost(reads->read[i].host);
        if (reads->read[i].come)
            cudaEventDestroy(reads->read[i].come);
    }
    free(reads);
}

static rt_status read_take(rt_rank *rank, Read *read) {
    if (!read->to)
        return RT_OK;
    RT_TRY(rt_device_wait(rank, read->come));
    memcpy(read->to, read->host, read->bytes);
    read->to = NULL;
    return RT_OK;
}

static rt_status read_part(rt_rank *rank, char *to, const char *from, size_t bytes) {
    rt_reads *reads = rank->backend->reads;
    Read *read = &reads->read[reads->next];
    reads->next = (reads->next + 1) % READ_BUFFERS;
    RT_TRY(read_take(rank, read));
    if (!read->host)
        RT_CUDA(rank, cudaHostAlloc((void **)&read->host, READ_BYTES, cudaHostAllocDefault));
    if (!read->come)
        RT_CUDA(rank, cudaEventCreateWithFlags(&read->come, cudaEventDisableTiming));
    RT_CUDA(rank, cudaMemcpyAsync(read->host, from, bytes, cudaMemcpyDeviceToHost,
                                  rt_device_stream(rank)));
    RT_CUDA(rank, cudaEventRecord(read->come, rt_device_stream(rank)));
    read->to = to;
    read->bytes = bytes;
    return RT_OK;
}

rt_status rt_cuda_read(rt_rank *rank, void *to, const void *from, int64_t bytes) {
    if (rank->backend->capturing)
        return rt_fail(rank, RT_SOFTWARE, "a captured step cannot read the device");
    for (int64_t done = 0; done < bytes;) {
        int64_t part = bytes - done < READ_BYTES ? bytes - done : READ_BYTES;
        RT_TRY(read_part(rank, (char *)to + done, (const char *)from + done, (size_t)part));
        done += part;
    }
    return RT_OK;
}

/* From the oldest on. */
rt_status rt_reads_finish(rt_rank *rank) {
    rt_reads *reads = rank->backend->reads;
    for (int i = 0; i < READ_BUFFERS; ++i)
        RT_TRY(read_take(rank, &reads->read[(reads->next + i) % READ_BUFFERS]));
    return RT_OK;
}
