/* results: see results.h. */
#include "core/results.h"
#include "core/made.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static double latest(const rt_segment *segment, int64_t index) {
    double end = 0;
    for (int32_t r = 0; r < segment->program->world; ++r) {
        const double *ends = rt_segment_array(segment, r, segment->area_ends);
        end = ends[index] > end ? ends[index] : end;
    }
    return end;
}

/* A step lasts from when the last rank ended the step before until the last rank ends it. */
static void gather_times(rt_results *results, const rt_segment *segment) {
    const rt_job *job = segment->job;
    int64_t decoded = 0;
    for (int64_t w = 0; w < job->waves; ++w) {
        int64_t first = w * (1 + job->max_new);
        results->prefill_s[w] = latest(segment, first + 1) - latest(segment, first);
        for (int64_t d = 0; d + 1 < rt_segment_indices(segment)[w]; ++d)
            results->decode_s[decoded++] =
                latest(segment, first + 2 + d) - latest(segment, first + 1 + d);
    }
}

/* No token past what ended a sequence, or where its wave ended. */
static void cut_tokens(const rt_segment *segment) {
    const rt_job *job = segment->job;
    for (int64_t s = 0; s < job->sequences; ++s) {
        int32_t *tokens = rt_segment_tokens(segment) + s * job->max_new;
        int64_t made = rt_segment_indices(segment)[s / job->program->batch], t = 0;
        while (t < made && !rt_made_stops(job, tokens[t]))
            ++t;
        for (t += t < made; t < job->max_new; ++t)
            tokens[t] = -1;
    }
}

static int64_t decode_steps(const rt_segment *segment) {
    int64_t steps = 0;
    for (int64_t w = 0; w < segment->job->waves; ++w)
        steps += rt_segment_indices(segment)[w] - 1;
    return steps;
}

rt_status rt_results_gather(rt_results *results, const rt_segment *segment, rt_error *error) {
    const rt_program *program = segment->program;
    const rt_job *job = segment->job;
    size_t world = (size_t)program->world, kinds = (size_t)program->kinds;
    *results = (rt_results){.steps = {job->waves, decode_steps(segment)},
                            .tokens = rt_segment_tokens(segment)};
    results->operations = calloc(world * kinds + 1, sizeof *results->operations);
    results->bytes = calloc(world * world, sizeof *results->bytes);
    results->weights = calloc(world, sizeof *results->weights);
    results->prefill_s = calloc((size_t)results->steps[0] + 1, sizeof *results->prefill_s);
    results->decode_s = calloc((size_t)results->steps[1] + 1, sizeof *results->decode_s);
    results->busy_s = calloc(world * kinds + 1, sizeof *results->busy_s);
    results->wait_s = calloc(world * kinds + 1, sizeof *results->wait_s);
    if (!results->operations || !results->bytes || !results->weights || !results->prefill_s ||
        !results->decode_s || !results->busy_s || !results->wait_s) {
        rt_results_free(results);
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for the results");
    }
    for (size_t r = 0; r < world; ++r) {
        const int64_t *bytes = rt_segment_array(segment, (int)r, segment->area_bytes);
        for (size_t from = 0; from < world; ++from)
            results->bytes[from * world + r] = bytes[from];
        results->weights[r] = rt_segment_area(segment, (int)r)->weight_bytes;
        memcpy(results->operations + r * kinds,
               rt_segment_array(segment, (int)r, segment->area_operations),
               kinds * sizeof(int64_t));
        memcpy(results->busy_s + r * kinds, rt_segment_array(segment, (int)r, segment->area_busy),
               kinds * sizeof(double));
        memcpy(results->wait_s + r * kinds, rt_segment_array(segment, (int)r, segment->area_wait),
               kinds * sizeof(double));
    }
    gather_times(results, segment);
    if (job->tracks)
        cut_tokens(segment);
    return RT_OK;
}

void rt_results_free(rt_results *results) {
    free(results->operations);
    free(results->bytes);
    free(results->weights);
    free(results->prefill_s);
    free(results->decode_s);
    free(results->busy_s);
    free(results->wait_s);
    *results = (rt_results){0};
}

rt_status rt_results_save(const char *dir, const char *name, const char *digest,
                          const rt_array *arrays, int count, rt_error *error) {
    char path[4096];
    struct stat info;
    bool made = mkdir(dir, 0777) == 0;
    if (!made && errno != EEXIST)
        return rt_error_set(error, RT_CANTCREAT, "%s: %s", dir, strerror(errno));
    if (stat(dir, &info) != 0 || !S_ISDIR(info.st_mode))
        return rt_error_set(error, RT_CANTCREAT, "%s: is not a directory", dir);
    rt_status status = RT_OK;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        status = rt_error_set(error, RT_CANTCREAT, "%s: the path is too long", dir);
    else
        status = rt_arrays_write(path, digest, arrays, count, error);
    if (status != RT_OK && made)
        rmdir(dir);
    return status;
}

rt_status rt_results_write(const rt_results *results, const rt_segment *segment, const char *dir,
                           rt_error *error) {
    const rt_job *job = segment->job;
    int64_t world = segment->program->world, kinds = segment->program->kinds;
    const rt_array arrays[] = {
        {"tokens", RT_I32, 2, {job->sequences, job->max_new}, results->tokens},
        {"steps", RT_I64, 1, {2}, results->steps},
        {"operations", RT_I64, 2, {world, kinds}, results->operations},
        {"bytes", RT_I64, 2, {world, world}, results->bytes},
        {"weights", RT_I64, 1, {world}, results->weights},
        {"prefill_s", RT_F64, 1, {results->steps[0]}, results->prefill_s},
        {"decode_s", RT_F64, 1, {results->steps[1]}, results->decode_s},
        {"busy_s", RT_F64, 2, {world, kinds}, results->busy_s},
        {"wait_s", RT_F64, 2, {world, kinds}, results->wait_s},
    };
    return rt_results_save(dir, "results.rta", segment->program->digest, arrays,
                           sizeof arrays / sizeof *arrays, error);
}
