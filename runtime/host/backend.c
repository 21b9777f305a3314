/* backend: the data plane of the host (core/backend.h): slabs lie in the segment, kernels are C functions, operations are
 * done when their call returns. */
#include "core/backend.h"
#include "core/launch.h"
#include "core/requests.h"
#include "host/blas.h"
#include "host/pages.h"
#include "host/tune.h"
#include "host/workers.h"

#include <stdio.h>
#include <stdlib.h>

struct rt_backend {
    rt_vectors vectors;
    rt_workers *workers;
};

rt_status rt_backend_check(const rt_program *program, const rt_options *options, rt_error *error) {
    rt_tune tune;
    if (options->verb == RT_VERB_PREFLIGHT)
        return rt_error_set(error, RT_USAGE,
                            "preflight measures links between GPUs: this program is for the host");
    return rt_tune_read(&tune, program->world, error);
}

/* What rt_backend_check has found right. */
static rt_tune tune_of(int local_ranks) {
    rt_tune tune;
    rt_error ignored = {0};
    rt_tune_read(&tune, local_ranks, &ignored);
    return tune;
}

void rt_backend_info(const rt_program *program, bool json) {
    rt_tune tune = tune_of(program->world);
    printf(json ? ",\"vectors\":\"%s\",\"threads\":%d" : "here: %s vectors, %d threads a rank\n",
           rt_tune_name(tune.vectors), tune.threads);
}

bool rt_backend_transport(const char *name, rt_transport *transport) {
    bool threads = strcmp(name, "threads") == 0;
    *transport = threads ? RT_TRANSPORT_THREADS : RT_TRANSPORT_SHM;
    return threads || strcmp(name, "shm") == 0;
}

const char *rt_backend_transports(void) {
    return "shm or threads";
}

rt_status rt_backend_launch(rt_segment *segment, char **argv, bool *leader, rt_error *error) {
    return rt_launch_here(segment, argv, leader, error);
}

void rt_backend_limit(int local_ranks) {
    rt_blas_limit(local_ranks);
}

char *rt_backend_environment(int local_ranks, char *text) {
    return rt_blas_environment(local_ranks, text);
}

int64_t rt_backend_shared_bytes(const rt_role *role) {
    return role->slab_bytes;
}

rt_status rt_backend_open(rt_rank *rank) {
    rt_tune tune = tune_of(rank->program->world);
    rank->slab = rt_segment_slab(rank->segment, rank->id);
    rank->backend = calloc(1, sizeof *rank->backend);
    if (rank->backend)
        rank->backend->workers = rt_workers_create(tune.threads - 1);
    if (!rank->backend || !rank->backend->workers)
        return rt_fail(rank, RT_UNAVAILABLE, "no memory or no threads for this rank");
    rank->backend->vectors = tune.vectors;
    return rt_pages_own(rank);
}

void rt_backend_close(rt_rank *rank) {
    if (rank->backend)
        rt_workers_free(rank->backend->workers);
    free(rank->backend);
    rank->backend = NULL;
}

rt_status rt_backend_stage(rt_rank *rank, rt_stage *stage) {
    stage->host = rank->slab + stage->offset;
    return RT_OK;
}

rt_status rt_backend_store(rt_rank *rank, rt_stage *stage) {
    (void)rank;
    (void)stage;
    return RT_OK;
}

int rt_backend_readers(const rt_rank *rank) {
    return tune_of(rank->program->world).threads;
}

rt_status rt_backend_stored(rt_rank *rank) {
    (void)rank;
    return RT_OK;
}

rt_status rt_backend_draw(rt_rank *rank, const rt_draw *draw, bool *drawn) {
    (void)rank;
    (void)draw;
    *drawn = false;
    return RT_OK;
}

rt_status rt_backend_preflight(rt_rank *rank) {
    return rt_fail(rank, RT_SOFTWARE, "a host has no links to measure");
}

rt_status rt_backend_zero(rt_rank *rank, int64_t offset, int64_t bytes) {
    memset(rank->slab + offset, 0, (size_t)bytes);
    return RT_OK;
}

rt_status rt_backend_step(rt_rank *rank, const rt_step *step) {
    return step->run[rank->place->role](rank);
}

rt_status rt_backend_op_begin(rt_rank *rank, int op, int layer) {
    (void)rank;
    (void)op;
    (void)layer;
    return RT_OK;
}

rt_status rt_backend_op_end(rt_rank *rank, int op, int layer) {
    rt_op_took(rank, op, layer, rank->op_begin, rt_now(), rank->waited);
    return RT_OK;
}

rt_status rt_backend_begin(rt_rank *rank, int op, const rt_begin_args *args) {
    (void)op;
    return rt_requests_rows(rank, args, args->ids < 0 ? NULL : rt_at(rank, args->ids),
                            args->positions < 0 ? NULL : rt_at(rank, args->positions));
}

rt_status rt_backend_finish(rt_rank *rank, int op, const rt_finish_args *args) {
    (void)op;
    return rt_requests_next(rank, args, rt_at(rank, args->next));
}

rt_vectors rt_vectors_of(const rt_rank *rank) {
    return rank->backend->vectors;
}

void rt_parallel(rt_rank *rank, int64_t count, int64_t grain, rt_part_fn part,
                 const void *context) {
    rt_workers_run(rank->backend->workers, count, grain, part, context);
}
