/* requests: see requests.h; and what kernels ask about them. It knows no slab: the backend carries ids and tokens between
 * this table and memory. */
#include "core/requests.h"
#include "core/backend.h"
#include "core/made.h"
#include "core/record.h"
#include "core/emulate.h"

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

rt_status rt_requests_rows(rt_rank *rank, const rt_begin_args *args, int32_t *ids,
                           int32_t *positions) {
    RT_TRY(check_sequences(rank, args->first, args->sequences));
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
    return rt_op_end(rank, op, layer, rt_backend_begin(rank, op, args));
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

rt_status rt_requests_next(rt_rank *rank, const rt_finish_args *args, const int32_t *next) {
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
    return rt_op_end(rank, op, layer, rt_backend_finish(rank, op, args));
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
