/* loopback: see loopback.h. What a rank has of it: its events, and the counts that it passes on. The ranks are threads
 * (core/launch_threads.c, which the backend calls); slabs and streams are the device's (device.h). */
#include "cuda/loopback.h"
#include "core/wait.h"

#include <stdlib.h>

static rt_status event_create(rt_rank *rank, cudaEvent_t *event) {
    RT_CUDA(rank, cudaEventCreateWithFlags(event, cudaEventDisableTiming));
    return RT_OK;
}

/* Stages of a direction: direct ones have one. */
static int64_t stages_of(const rt_exchange *e, bool back) {
    const Hops hops = {back ? e->back : e->there, back ? e->back_hops : e->there_hops};
    int64_t stages = 0;
    for (int begin = 0; begin < hops.count; begin = hops_stage_end(&hops, begin))
        ++stages;
    return stages > 0 ? stages : 1;
}

static bool loop_number(const rt_program *program, Loop *loop) {
    size_t directions = 2 * (size_t)program->exchanges;
    loop->first_stage = calloc(directions + 1, sizeof *loop->first_stage);
    loop->first_hop = calloc(directions + 1, sizeof *loop->first_hop);
    if (!loop->first_stage || !loop->first_hop)
        return false;
    for (int32_t d = 0; d < 2 * program->exchanges; ++d) {
        const rt_exchange *e = &program->exchange[d / 2];
        loop->first_stage[d] = loop->stages;
        loop->first_hop[d] = loop->hops;
        loop->stages += stages_of(e, d % 2);
        loop->hops += d % 2 ? e->back_hops : e->there_hops;
    }
    loop->channel = calloc((size_t)program->channels + 1, sizeof *loop->channel);
    loop->stage = calloc((size_t)loop->stages + 1, sizeof *loop->stage);
    return loop->channel && loop->stage;
}

static bool is_member(const rt_channel *channel, int32_t rank) {
    for (int32_t i = 0; i < channel->members; ++i)
        if (channel->ranks[i] == rank)
            return true;
    return false;
}

static rt_status loop_open(rt_rank *rank) {
    const rt_program *program = rank->program;
    Loop *loop = calloc(1, sizeof *loop);
    rank->backend->transport = loop;
    if (!loop || !loop_number(program, loop))
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for the transport");
    for (int32_t c = 0; c < program->channels; ++c)
        for (int s = 0; s < LOOP_STEPS && is_member(&program->channel[c], rank->id); ++s)
            RT_TRY(event_create(rank, &loop->channel[c][s]));
    for (int64_t i = 0; i < loop->stages; ++i)
        for (int s = 0; s < LOOP_SIDES; ++s)
            RT_TRY(event_create(rank, &loop->stage[i][s]));
    RT_TRY(event_create(rank, &loop->counts));
    if (loop->hops)
        RT_CUDA(rank, cudaMalloc((void **)&loop->relayed, (size_t)loop->hops * sizeof(int32_t)));
    return rt_wait_barrier(rank, program->channels); /* peers come to this rank's events */
}

static void event_destroy(cudaEvent_t event) {
    if (event)
        (void)cudaEventDestroy(event);
}

static void loop_free(const rt_program *program, Loop *loop) {
    for (int32_t c = 0; loop->channel && c < program->channels; ++c)
        for (int s = 0; s < LOOP_STEPS; ++s)
            event_destroy(loop->channel[c][s]);
    for (int64_t i = 0; loop->stage && i < loop->stages; ++i)
        for (int s = 0; s < LOOP_SIDES; ++s)
            event_destroy(loop->stage[i][s]);
    event_destroy(loop->counts);
    if (loop->relayed)
        (void)cudaFree(loop->relayed);
    free(loop->channel);
    free(loop->stage);
    free(loop->first_stage);
    free(loop->first_hop);
    free(loop);
}

/* Peers come to a rank's events until all have ended. */
static void loop_end(rt_process *process) {
    for (int32_t r = 0; r < process->program->world; ++r)
        if (process->backend[r] && process->backend[r]->transport) {
            loop_free(process->program, process->backend[r]->transport);
            process->backend[r]->transport = NULL;
        }
}

const rt_moves rt_moves_loopback = {
    .name = "loopback",
    .captures = false, /* a graph would have to hold all ranks or none */
    .open = loop_open,
    .end = loop_end,
    .collective = loop_collective,
    .transfer = loop_transfer,
    .pair = loop_pair,
    .exchange = loop_exchange,
};
