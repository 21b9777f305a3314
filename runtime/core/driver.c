/* driver: what one rank does from start to end: load, then for each wave the prefill step and the decode
 * steps, with the request table between them. All ranks run the same number of steps. */
#include "core/made.h"
#include "core/progress.h"
#include "core/record.h"
#include "core/scores.h"
#include "host/emulate.h"
#include "host/pages.h"
#include "host/wait.h"

/* Sequence `s` of the wave as an index of the job's sequences, -1: absent. */
static int64_t job_sequence(const rt_rank *rank, int64_t s) {
    int64_t index = rank->wave % rank->job->round * rank->program->batch + s;
    return s < rank->program->batch && index < rank->job->sequences ? index : -1;
}

/* Copies that do not divide the batch have room for more sequences than there are: the last stay absent. */
static rt_status check_sequences(rt_rank *rank, int32_t first, int32_t sequences) {
    int64_t copies = rank->program->copies, batch = rank->program->batch;
    int64_t room = (batch + copies - 1) / copies * copies;
    if (first < 0 || sequences < 0 || first + (int64_t)sequences > room)
        return rt_fail(rank, RT_SOFTWARE, "sequences %d to %d of a batch of %lld", first,
                       first + sequences, (long long)batch);
    return RT_OK;
}

/* --- the request table -------------------------------------------------------------------------------- */

/* Row `t` of a sequence in this step. */
static rt_status begin_row(rt_rank *rank, int32_t s, int32_t t, int32_t *id, int32_t *position) {
    const rt_job *job = rank->job;
    int64_t index = job_sequence(rank, s);
    *id = 0;
    *position = -1;
    if (index < 0)
        return RT_OK;
    int32_t length = job->lengths[index];
    if (!rank->step->decode) {
        if (t < length) {
            *id = job->ids[index * job->longest + t];
            *position = t;
        }
    } else if (t == 0) {
        *id = rank->next[s];
        *position = length + (int32_t)rank->made - 1;
    }
    return RT_OK;
}

static rt_status begin(rt_rank *rank, const rt_begin_args *args) {
    RT_TRY(check_sequences(rank, args->first, args->sequences));
    int32_t *ids = args->ids < 0 ? NULL : rt_at(rank, args->ids);
    int32_t *positions = args->positions < 0 ? NULL : rt_at(rank, args->positions);
    for (int32_t s = 0; s < args->sequences; ++s) {
        for (int32_t t = 0; t < args->tokens; ++t) {
            int64_t row = (int64_t)s * args->tokens + t;
            int32_t id, position;
            RT_TRY(begin_row(rank, args->first + s, t, &id, &position));
            if (ids && id < 0)
                return rt_fail(rank, RT_SOFTWARE, "no token was chosen for sequence %d",
                               args->first + s);
            if (ids)
                ids[row] = id;
            if (positions)
                positions[row] = position;
        }
    }
    return RT_OK;
}

rt_status rt_begin(rt_rank *rank, int op, int layer, const rt_begin_args *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_BEGIN, op, layer, -1, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_local(rank, op, layer);
    RT_TRY(rt_op_begin(rank, op, layer));
    return rt_op_end(rank, op, layer, begin(rank, args));
}

/* Store a token that this rank reports; whether its sequence goes on. */
static bool report_token(rt_rank *rank, int64_t sequence, int64_t index, int32_t token) {
    const rt_job *job = rank->job;
    rt_segment_tokens(rank->segment)[index * job->max_new + rank->made] = token;
    if (job->tracks &&
        (rt_made_stops(job, token) ||
         atomic_load_explicit(&rt_segment_header(rank->segment)->hung_up, memory_order_relaxed)))
        rank->ended[sequence] = true;
    return !rank->ended[sequence];
}

static rt_status finish(rt_rank *rank, const rt_finish_args *args) {
    const int32_t *next = rt_at(rank, args->next);
    int32_t reported = 0, live = 0;
    RT_TRY(check_sequences(rank, args->first, args->sequences));
    for (int32_t s = 0; s < args->sequences; ++s) {
        int64_t index = job_sequence(rank, args->first + s);
        if (index < 0)
            continue;
        if (next[s] < 0 || next[s] >= rank->program->vocabulary)
            return rt_fail(rank, RT_SOFTWARE,
                           "token %d chosen for sequence %lld is outside the vocabulary of %d: "
                           "the logits are not finite",
                           next[s], (long long)index, rank->program->vocabulary);
        rank->next[args->first + s] = next[s];
        if (args->report && !rank->warming) {
            live += report_token(rank, args->first + s, index, next[s]);
            reported++;
        }
    }
    if (rank->job->tracks && reported)
        rt_made_report(rank, reported, live);
    return RT_OK;
}

rt_status rt_finish(rt_rank *rank, int op, int layer, const rt_finish_args *args) {
    RT_TRY(rt_recorded(rank, RT_CALL_FINISH, op, layer, -1, -1, -1, args));
    if (rank->emulator)
        return rt_emulate_local(rank, op, layer);
    RT_TRY(rt_op_begin(rank, op, layer));
    return rt_op_end(rank, op, layer, finish(rank, args));
}

bool rt_wants_logits(const rt_rank *rank) {
    return (rank->job->logits || rank->job->scores) && rank->step && !rank->step->decode;
}

float *rt_logits_row(rt_rank *rank, int32_t sequence, int32_t position) {
    const rt_job *job = rank->job;
    int64_t index = job_sequence(rank, sequence);
    if (!rt_wants_logits(rank) || index < 0 || position < 0 || position >= job->lengths[index])
        return NULL;
    float *logits = (float *)(rank->segment->base + rank->segment->logits);
    int64_t row = (job->scores ? sequence : index) * job->longest + position;
    return logits + row * rank->program->vocabulary;
}

/* --- waves and steps ---------------------------------------------------------------------------------- */

static rt_status step_run(rt_rank *rank, const rt_step *step, int64_t made) {
    rank->step = step;
    rank->made = made;
    atomic_store_explicit(&rank->area->op, 0, memory_order_relaxed);
    atomic_store_explicit(&rank->area->step, (int32_t)(step - rank->program->step) + 1,
                          memory_order_relaxed);
    if (rank->record)
        RT_TRY(rt_record_run(rank, (int32_t)(step - rank->program->step), rank->wave, made));
    rt_status status = step->run[rank->place->role](rank);
    if (status != RT_OK && status != RT_ABORTED)
        return rt_fail(rank, status, "the step failed");
    return status;
}

static rt_status wave_run(rt_rank *rank, int64_t wave, int64_t decode_steps) {
    double *ends = rank->ends + wave * (1 + rank->job->max_new);
    rank->wave = wave;
    if (rank->used) /* a fresh segment is zero, and its pages not yet there */
        memset(rt_at(rank, rank->role->zero_offset), 0, (size_t)rank->role->zero_bytes);
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
    RT_TRY(rt_pages_own(rank));
    RT_TRY(job->options->weights ? rt_weights_read(rank, job->options->weights)
                                 : rt_weights_fill(rank));
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
