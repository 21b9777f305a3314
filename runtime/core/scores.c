/* scores: see scores.h. Sums are in double, in the order of the vocabulary. */
#include "core/scores.h"
#include "core/output.h"
#include "core/wait.h"

#include <math.h>

static double score_of(const float *logits, int64_t count, int32_t token) {
    double most = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; ++i)
        most = logits[i] > most ? logits[i] : most;
    for (int64_t i = 0; i < count; ++i)
        sum += exp(logits[i] - most);
    return logits[token] - most - log(sum);
}

rt_status rt_scores_wave(rt_rank *rank) {
    const rt_job *job = rank->job;
    const rt_program *program = rank->program;
    const rt_segment *segment = rank->segment;
    float *logits = (float *)(segment->base + segment->logits);
    double *scores = (double *)(segment->base + segment->scores);
    if (!job->scores)
        return RT_OK;
    int64_t raters = segment->mirror ? 1 : program->world;
    if (segment->mirror) /* then rank 0 alone has them all */
        RT_TRY(segment->mirror->logits(segment->mirror, rank));
    RT_TRY(rt_wait_barrier(rank, program->channels)); /* all logits are there */
    for (int64_t s = 0; s < program->batch; ++s) {
        int64_t index = rank->wave * program->batch + s;
        if (index >= job->sequences)
            break;
        for (int64_t t = 0; t < job->longest; ++t) {
            bool next = t + 1 < job->lengths[index];
            int64_t row = s * job->longest + t;
            if (row % raters != rank->id)
                continue;
            scores[index * job->longest + t] =
                next ? score_of(logits + row * program->vocabulary, program->vocabulary,
                                job->ids[index * job->longest + t + 1])
                     : NAN;
        }
        RT_TRY(rt_wait_check(rank));
    }
    if (segment->mirror && rank->id == 0) /* what the next wave leaves out is zero */
        memset(logits, 0, (size_t)segment->logits_bytes);
    return RT_OK;
}

rt_status rt_scores_write(const rt_segment *segment, const char *path, rt_error *error) {
    const rt_job *job = segment->job;
    const double *scores = (const double *)(segment->base + segment->scores);
    return rt_output_doubles(path, job->sequences, job->longest, scores, error);
}
