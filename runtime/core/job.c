/* job: see job.h. */
#include "core/job.h"

#include <stdlib.h>

/* Defaults of bench and measure. */
enum { JOB_STEPS = 32, JOB_WARM_STEPS = 4, JOB_ROUNDS = 5, JOB_EMULATED = 3 };

static rt_status job_check(rt_job *job, const char *path, rt_error *error) {
    const rt_program *program = job->program;
    for (int64_t s = 0; s < job->sequences; ++s) {
        int32_t length = job->lengths[s];
        if (length < 1 || length > program->prompt || length > job->longest)
            return rt_error_set(error, RT_DATA,
                                "%s: sequence %lld has %d tokens; this program takes 1 to %d", path,
                                (long long)s, length, program->prompt);
        if (length + job->max_new - 1 > program->context)
            return rt_error_set(error, RT_DATA,
                                "%s: sequence %lld: %d tokens and %lld new ones exceed the context "
                                "of %d; ask for at most %d new tokens",
                                path, (long long)s, length, (long long)job->max_new,
                                program->context, program->context - length + 1);
        for (int32_t t = 0; t < length; ++t) {
            int32_t id = job->ids[s * job->longest + t];
            if (id < 0 || id >= program->vocabulary)
                return rt_error_set(error, RT_DATA,
                                    "%s: sequence %lld, token %d: id %d is outside the vocabulary "
                                    "of %d",
                                    path, (long long)s, t, id, program->vocabulary);
        }
    }
    return RT_OK;
}

/* What ends a sequence, where the file says it. */
static rt_status job_read_stops(rt_job *job, const char *path, rt_error *error) {
    const rt_array *stop;
    if (!rt_arrays_has(&job->file, "stop"))
        return RT_OK;
    RT_TRY(rt_arrays_get(&job->file, path, "stop", RT_I32, 1, &stop, error));
    job->stops = stop->shape[0];
    job->stop = stop->data;
    return RT_OK;
}

/* How tokens are chosen, where the file says it. */
static rt_status job_read_choice(rt_job *job, const char *path, rt_error *error) {
    const rt_array *choice, *seed;
    job->choice.top_p = 1;
    if (!rt_arrays_has(&job->file, "choice"))
        return RT_OK;
    RT_TRY(rt_arrays_get(&job->file, path, "choice", RT_F64, 1, &choice, error));
    RT_TRY(rt_arrays_get(&job->file, path, "seed", RT_I64, 1, &seed, error));
    const double *value = choice->data;
    if (choice->shape[0] != 3 || seed->shape[0] != 1 || !(value[0] >= 0 && value[0] < 1e6) ||
        !(value[1] >= 0 && value[1] <= INT32_MAX) || !(value[2] > 0 && value[2] <= 1))
        return rt_error_set(error, RT_DATA, "%s: there is no such choice of tokens", path);
    job->choice = (rt_choice){value[0], value[2], (int32_t)value[1]};
    bool cuts = job->choice.temperature > 0 && (job->choice.top_k > 0 || job->choice.top_p < 1);
    if (cuts && (job->program->candidates < 2 || job->choice.top_k > job->program->candidates))
        return rt_error_set(error, RT_DATA,
                            "%s: top-k and top-p need more than the %d candidates of this program",
                            path, job->program->candidates);
    job->choice_key = rt_random_key("choice", (uint64_t) * (const int64_t *)seed->data);
    return RT_OK;
}

static rt_status job_read(rt_job *job, const char *path, rt_error *error) {
    const rt_array *lengths, *ids, *max_new;
    RT_TRY(rt_arrays_read(&job->file, path, job->program->digest, error));
    RT_TRY(rt_arrays_get(&job->file, path, "lengths", RT_I32, 1, &lengths, error));
    RT_TRY(rt_arrays_get(&job->file, path, "ids", RT_I32, 2, &ids, error));
    RT_TRY(rt_arrays_get(&job->file, path, "max_new", RT_I32, 1, &max_new, error));
    RT_TRY(job_read_stops(job, path, error));
    RT_TRY(job_read_choice(job, path, error));
    job->sequences = lengths->shape[0];
    job->longest = ids->shape[1];
    if (job->sequences < 1 || ids->shape[0] != job->sequences || max_new->shape[0] != 1)
        return rt_error_set(error, RT_DATA, "%s: lengths, ids and max_new do not fit together",
                            path);
    job->lengths = lengths->data;
    job->ids = ids->data;
    job->max_new = *(const int32_t *)max_new->data;
    if (job->options->max_new)
        job->max_new = job->options->max_new;
    if (job->max_new < 1)
        return rt_error_set(error, RT_DATA, "%s: max_new is %lld; at least 1 token is made", path,
                            (long long)job->max_new);
    return RT_OK;
}

/* Ids of bench: drawn by counter, so that every placement runs the same ones. */
static rt_status job_make(rt_job *job, rt_error *error) {
    job->choice.top_p = 1;
    const rt_program *program = job->program;
    const rt_options *options = job->options;
    job->sequences = options->batch ? options->batch : program->batch;
    job->longest = options->prompt_tokens ? options->prompt_tokens : program->prompt;
    if (job->longest > program->prompt)
        return rt_error_set(error, RT_USAGE, "--prompt-tokens %lld: this program takes 1 to %d",
                            (long long)job->longest, program->prompt);
    int64_t room = program->context - job->longest;
    int64_t steps = options->steps ? options->steps : (room < JOB_STEPS ? room : JOB_STEPS);
    if (!job->decode || steps < 1)
        return rt_error_set(error, RT_USAGE,
                            "a context of %d leaves no decode step after %lld prompt tokens; "
                            "pass --prompt-tokens N",
                            program->context, (long long)job->longest);
    if (steps > room)
        return rt_error_set(error, RT_USAGE,
                            "--steps %lld: after prompts of %lld tokens the context of %d has room "
                            "for %lld",
                            (long long)steps, (long long)job->longest, program->context,
                            (long long)room);
    job->max_new = steps + 1;
    job->warm_steps = steps < JOB_WARM_STEPS ? steps : JOB_WARM_STEPS;
    job->made = malloc((size_t)(job->sequences * (job->longest + 1)) * sizeof *job->made);
    if (!job->made)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %lld sequences",
                            (long long)job->sequences);
    uint64_t key = rt_random_key("bench", 0);
    for (int64_t s = 0; s < job->sequences; ++s)
        job->made[s] = (int32_t)job->longest;
    for (int64_t i = 0; i < job->sequences * job->longest; ++i)
        job->made[job->sequences + i] =
            (int32_t)(rt_random_bits(key, (uint64_t)i) % (uint64_t)program->vocabulary);
    job->lengths = job->made;
    job->ids = job->made + job->sequences;
    return RT_OK;
}

/* Nothing is computed: there are no sequences, only runs of the steps as they are. */
static rt_status job_emulate(rt_job *job, rt_error *error) {
    const rt_options *options = job->options;
    RT_TRY(rt_arrays_read(&job->file, options->figures, job->program->digest, error));
    RT_TRY(rt_figures_find(&job->figures, &job->file, options->figures, job->program, error));
    job->emulated = options->steps ? options->steps : JOB_EMULATED;
    job->trace = true;
    return RT_OK;
}

/* Links are measured: there are no sequences, and no step runs. */
static rt_status job_preflight(rt_job *job, rt_error *error) {
    if (job->program->nodes < 1)
        return rt_error_set(error, RT_SOFTWARE, "the program has no table of nodes; emit it anew");
    job->preflight = true;
    job->round = job->max_new = 1;
    return RT_OK;
}

static rt_status job_fill(rt_job *job, rt_error *error) {
    const rt_program *program = job->program;
    const rt_options *options = job->options;
    if (options->verb == RT_VERB_EMULATE)
        return job_emulate(job, error);
    if (options->verb == RT_VERB_PREFLIGHT)
        return job_preflight(job, error);
    for (int32_t i = program->steps - 1; i >= 0; --i)
        *(program->step[i].decode ? &job->decode : &job->prefill) = &program->step[i];
    if (!job->prefill)
        return rt_error_set(error, RT_SOFTWARE, "the program has no prefill step");
    bool bench = options->verb == RT_VERB_BENCH || options->verb == RT_VERB_MEASURE;
    const char *path = options->tokens ? options->tokens : options->expected;
    RT_TRY(bench ? job_make(job, error) : job_read(job, path, error));
    if (job->max_new > 1 && !job->decode)
        return rt_error_set(error, RT_USAGE,
                            "the program has no decode step: it makes 1 new token, not %lld",
                            (long long)job->max_new);
    job->round = (job->sequences + program->batch - 1) / program->batch;
    job->waves = job->round * (!bench ? 1 : options->repeat ? options->repeat : JOB_ROUNDS);
    job->logits = options->logits || options->verb == RT_VERB_VERIFY;
    job->scores = options->scores != NULL;
    job->tracks = options->verb == RT_VERB_RUN && (options->stream || job->stops > 0);
    job->trace = options->trace != NULL;
    job->times = options->verb == RT_VERB_MEASURE;
    return job_check(job, bench ? "command line" : path, error);
}

rt_status rt_job_open(rt_job *job, const rt_program *program, const rt_options *options,
                      rt_error *error) {
    *job = (rt_job){.program = program, .options = options, .warm_steps = -1};
    rt_status status = job_fill(job, error);
    if (status != RT_OK)
        rt_job_close(job);
    return status;
}

void rt_job_close(rt_job *job) {
    rt_arrays_free(&job->file);
    free(job->made);
    job->made = NULL;
}
