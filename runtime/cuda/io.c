/* io: see io.h. */
#include "cuda/io.h"
#include "core/requests.h"
#include "cuda/moves_launch.h"

#include <stdlib.h>

static rt_status pending_add(rt_rank *rank, const rt_pending *pending) {
    rt_backend *backend = rank->backend;
    if (backend->pending_count == backend->pending_room) {
        int32_t room = backend->pending_room ? 2 * backend->pending_room : 8;
        rt_pending *grown = realloc(backend->pending, (size_t)room * sizeof *grown);
        if (!grown)
            return rt_fail(rank, RT_UNAVAILABLE, "no memory for the requests of a step");
        backend->pending = grown;
        backend->pending_room = room;
    }
    backend->pending[backend->pending_count++] = *pending;
    return RT_OK;
}

/* Pinned memory of this operation, which comes once in a step. */
static rt_status own_memory(rt_rank *rank, int op, size_t bytes, int32_t **host) {
    rt_backend *backend = rank->backend;
    void *memory;
    if (backend->pinned[op].host && backend->pinned[op].step == backend->step)
        return rt_fail(rank, RT_SOFTWARE, "it comes twice in a step");
    RT_TRY(rt_device_pinned(rank, bytes, &memory));
    *host = memory;
    return RT_OK;
}

static rt_status copy(rt_rank *rank, void *to, const void *from, int64_t count,
                      enum cudaMemcpyKind kind) {
    RT_CUDA(rank, cudaMemcpyAsync(to, from, (size_t)count * sizeof(int32_t), kind,
                                  rank->backend->stream));
    return RT_OK;
}

/* Ids, then positions. */
static rt_status rows_fill(rt_rank *rank, const rt_begin_args *args, int32_t *host) {
    int64_t rows = (int64_t)args->sequences * args->tokens;
    return rt_requests_rows(rank, args, args->ids < 0 ? NULL : host,
                            args->positions < 0 ? NULL : host + rows);
}

rt_status rt_backend_begin(rt_rank *rank, int op, const rt_begin_args *args) {
    int64_t rows = (int64_t)args->sequences * args->tokens;
    rt_pending pending = {.op = op, .layer = rank->backend->layer, .args.begin = *args};
    RT_TRY(own_memory(rank, op, (size_t)(2 * rows) * sizeof(int32_t), &pending.host));
    RT_TRY(rows_fill(rank, args, pending.host));
    if (args->ids >= 0)
        RT_TRY(copy(rank, rt_at(rank, args->ids), pending.host, rows, cudaMemcpyHostToDevice));
    if (args->positions >= 0)
        RT_TRY(copy(rank, rt_at(rank, args->positions), pending.host + rows, rows,
                    cudaMemcpyHostToDevice));
    return pending_add(rank, &pending);
}

rt_status rt_backend_finish(rt_rank *rank, int op, const rt_finish_args *args) {
    rt_pending pending = {
        .op = op, .layer = rank->backend->layer, .finish = true, .args.finish = *args};
    RT_TRY(own_memory(rank, op, (size_t)args->sequences * sizeof(int32_t), &pending.host));
    RT_TRY(
        copy(rank, pending.host, rt_at(rank, args->next), args->sequences, cudaMemcpyDeviceToHost));
    return pending_add(rank, &pending);
}

/* Messages name the operation. */
static void name(rt_rank *rank, const rt_pending *pending) {
    atomic_store_explicit(&rank->area->op, pending->op + 1, memory_order_relaxed);
    atomic_store_explicit(&rank->area->layer, pending->layer + 1, memory_order_relaxed);
}

rt_status rt_io_again(rt_rank *rank, const rt_pending *pending) {
    name(rank, pending);
    if (!pending->finish)
        RT_TRY(rows_fill(rank, &pending->args.begin, pending->host));
    return pending_add(rank, pending);
}

rt_status rt_io_finish(rt_rank *rank) {
    const rt_backend *backend = rank->backend;
    for (int32_t i = 0; i < backend->pending_count; ++i) {
        const rt_pending *pending = &backend->pending[i];
        if (!pending->finish)
            continue;
        name(rank, pending);
        RT_TRY(rt_requests_next(rank, &pending->args.finish, pending->host));
    }
    return RT_OK;
}

rt_status rt_backend_draw(rt_rank *rank, const rt_draw *draw, bool *drawn) {
    *drawn = true;
    return rt_moves_random(rank, &(struct rt_random_args){.to = rt_at(rank, draw->offset),
                                                          .rows = draw->rows,
                                                          .columns = draw->columns,
                                                          .pitch = draw->pitch,
                                                          .key = draw->key,
                                                          .first = draw->first,
                                                          .row_step = draw->row_step,
                                                          .range = draw->range,
                                                          .type = (int)draw->type,
                                                          .fill = (int)draw->fill});
}

rt_status rt_backend_zero(rt_rank *rank, int64_t offset, int64_t bytes) {
    RT_CUDA(rank,
            cudaMemsetAsync(rank->slab + offset, 0, (size_t)bytes, rank->backend->streams[0]));
    return RT_OK;
}
