/* pages: see pages.h. All slabs lie in one piece of shared memory, which systems seldom give large pages; no peer reads or
 * writes weights, however, and decoding reads most of them for each token: with pages of 4 KiB that takes 3 %
 * longer where ranks are processes, up to 13 % where they are threads. So the pages that hold nothing but weights
 * are mapped anew, at the same addresses. It owns no memory: the mapping goes with the segment's. */
#include "host/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    ALIGNMENT = 256 /* of buffers in a slab */,
    LEAST = 4 << 20 /* with less there is no large page */
};

typedef struct Extent {
    int64_t begin, end; /* slab offsets */
} Extent;

static int by_begin(const void *a, const void *b) {
    const Extent *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int64_t layers_of(const rt_weight *weight) {
    return weight->layer_begin < 0 ? 1 : weight->layer_end - weight->layer_begin;
}

/* Where the rank's weights lie; the number of extents, negative without memory. */
static int64_t extents_list(const rt_place *place, Extent **extents) {
    int64_t most = 1, count = 0;
    for (int32_t w = 0; w < place->weight_count; ++w)
        most += layers_of(&place->weights[w]);
    *extents = malloc((size_t)most * sizeof **extents);
    if (!*extents)
        return -1;
    for (int32_t w = 0; w < place->weight_count; ++w) {
        const rt_weight *weight = &place->weights[w];
        int64_t rows = weight->row_end - weight->row_begin;
        int64_t bytes = ((rows - 1) * weight->pitch + weight->column_end - weight->column_begin) *
                        rt_type_bytes(weight->type);
        for (int64_t l = 0; rows > 0 && l < layers_of(weight); ++l) {
            int64_t begin = weight->offset + l * weight->layer_stride;
            (*extents)[count++] = (Extent){begin, begin + bytes};
        }
    }
    qsort(*extents, (size_t)count, sizeof **extents, by_begin);
    return count;
}

static rt_status run_own(rt_rank *rank, Extent run) {
    int64_t page = sysconf(_SC_PAGESIZE), at = rank->slab - rank->segment->base;
    int64_t begin = (at + run.begin + page - 1) / page * page, end = (at + run.end) / page * page;
    if (end - begin < LEAST)
        return RT_OK;
    char *base = rank->segment->base + begin;
    size_t bytes = (size_t)(end - begin);
    if (rank->job->options->transport != RT_TRANSPORT_THREADS) {
        int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        if (mmap(base, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED)
            return rt_fail(rank, RT_UNAVAILABLE, "memory of %zu bytes for weights: %s", bytes,
                           strerror(errno));
        madvise(base, bytes, MADV_DONTDUMP);
    }
    madvise(base, bytes, MADV_HUGEPAGE); /* where the system has none, small ones do */
    return RT_OK;
}

rt_status rt_pages_own(rt_rank *rank) {
    Extent *extents;
    int64_t count = extents_list(rank->place, &extents);
    if (count < 0)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for a list of weights");
    rt_status status = RT_OK;
    for (int64_t i = 0, next; i < count && status == RT_OK; i = next) {
        Extent run = extents[i];
        for (next = i + 1; next < count && extents[next].begin - run.end < ALIGNMENT; ++next)
            run.end = extents[next].end > run.end ? extents[next].end : run.end;
        status = run_own(rank, run);
    }
    free(extents);
    return status;
}
