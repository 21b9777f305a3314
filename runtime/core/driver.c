/* driver: what one rank does from start to end: load, then for each wave the prefill step and the decode
 * steps, with the request table between them. All ranks run the same number of steps. */
#include "core/backend.h"
#include "core/made.h"
#include "core/progress.h"
#include "core/record.h"
#include "core/scores.h"
#include "core/emulate.h"
#include "core/wait.h"

static rt_status step_run(rt_rank *rank, const rt_step *step, int64_t made) {
    rank->step = step;
    rank->made = made;
    atomic_store_explicit(&rank->area->op, 0, memory_order_relaxed);
    atomic_store_explicit(&rank->area->step, (int32_t)(step - rank->program->step) + 1,
                          memory_order_relaxed);
    if (rank->record)
        RT_TRY(rt_record_run(rank, (int32_t)(step - rank->program->step), rank->wave, made));
    rt_status status = rt_backend_step(rank, step);
    if (status != RT_OK && status != RT_ABORTED)
        return rt_fail(rank, status, "the step failed");
    return status;
}

static rt_status wave_run(rt_rank *rank, int64_t wave, int64_t decode_steps) {
    double *ends = rank->ends + wave * (1 + rank->job->max_new);
    rank->wave = wave;
    if (rank->used) /* a fresh segment is zero, and its pages not yet there */
        RT_TRY(rt_backend_zero(rank, rank->role->zero_offset, rank->role->zero_bytes));
    rank->used = true;
    for (int32_t s = 0; s < rank->program->batch; ++s) {
        rank->next[s] = -1;
        rank->ended[s] = false;
    }
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    rt_progress(rank, "wave %lld of %lld: prompts", (long long)wave + 1,
                (long long)rank->job->waves);
    ends[0] = rt_now();
    RT_TRY(step_run(rank, rank->job->prefill, 0));
    ends[1] = rt_now();
    RT_TRY(rt_scores_wave(rank));
    int64_t d = 0;
    for (; d < decode_steps; ++d) {
        bool over;
        RT_TRY(rt_made_over(rank, d, &over));
        if (over)
            break;
        RT_TRY(step_run(rank, rank->job->decode, d + 1));
        ends[2 + d] = rt_now();
        if (rank->job->warm_steps < 0) /* what is measured is not disturbed */
            rt_progress(rank, "wave %lld of %lld: token %lld of %lld", (long long)wave + 1,
                        (long long)rank->job->waves, (long long)d + 2, (long long)decode_steps + 1);
    }
    if (!rank->warming)
        rt_made_wave(rank, 1 + d);
    return RT_OK;
}

/* Forget what an uncounted run left in the counters. */
static void counters_clear(rt_rank *rank) {
    const rt_program *program = rank->program;
    memset(rank->operations, 0, (size_t)program->kinds * sizeof *rank->operations);
    memset(rank->bytes, 0, (size_t)program->world * sizeof *rank->bytes);
    memset(rank->busy, 0, (size_t)program->kinds * sizeof *rank->busy);
    memset(rank->wait, 0, (size_t)program->kinds * sizeof *rank->wait);
    if (rank->times)
        memset(rank->times, 0, (size_t)rank->role->op_count * sizeof *rank->times);
}

static rt_status load_and_run(rt_rank *rank) {
    const rt_job *job = rank->job;
    rank->limit_ms = job->options->load_timeout_ms;
    RT_TRY(rt_backend_open(rank));
    if (job->preflight) {
        RT_TRY(rt_backend_preflight(rank));
        atomic_store_explicit(&rank->area->done, 1, memory_order_relaxed);
        return RT_OK;
    }
    RT_TRY(job->options->weights ? rt_weights_read(rank, job->options->weights)
                                 : rt_weights_fill(rank));
    RT_TRY(rt_backend_stored(rank));
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    rank->limit_ms = job->options->timeout_ms;
    if (job->warm_steps >= 0) {
        rank->warming = true;
        RT_TRY(wave_run(rank, 0, job->warm_steps));
        counters_clear(rank);
        rank->warming = false;
    }
    for (int64_t w = 0; w < job->waves; ++w)
        RT_TRY(wave_run(rank, w, job->max_new - 1));
    atomic_store_explicit(&rank->area->step, rank->program->steps + 1, memory_order_relaxed);
    RT_TRY(rt_wait_barrier(rank, rank->program->channels));
    atomic_store_explicit(&rank->area->done, 1, memory_order_relaxed);
    return RT_OK;
}

rt_status rt_rank_run(rt_rank *rank) {
    rank->shows = rank->id == 0 && rt_progress_wanted(rank->job->options);
    rt_status status = rt_record_open(rank);
    if (status == RT_OK)
        status = rank->job->emulated ? rt_emulate_run(rank) : load_and_run(rank);
    status = rt_record_close(rank, status);
    rt_progress_end(rank);
    return status;
}
