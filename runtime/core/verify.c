/* verify: compares a run with the expectations that gen computed with its reference and its schedule: tokens,
 * logits, operations, bytes moved, resident weights. Where rounding may decide, the expectations hold -1 or NaN
 * and nothing is compared; the numbers printed are of what was. */
#include "core/output.h"
#include "core/report.h"

#include <math.h>

typedef struct Verdict {
    const rt_segment *segment;
    const char *path;
    bool json;
    int64_t classes; /* that differ */
    char names[128]; /* of them */
} Verdict;

/* Print one class; `first` says where the first difference is. */
static void verdict_add(Verdict *verdict, const char *name, int64_t count, int64_t different,
                        const char *first) {
    if (different) {
        size_t used = strlen(verdict->names);
        snprintf(verdict->names + used, sizeof verdict->names - used, "%s%s", used ? ", " : "",
                 name);
        verdict->classes++;
    }
    if (verdict->json) {
        printf("\"%s\":{\"compared\":%lld,\"different\":%lld,\"first\":", name, (long long)count,
               (long long)different);
        rt_output_string(stdout, different ? first : "");
        printf("},");
    } else if (different) {
        printf("%-10s %lld of %lld differ, first %s\n", name, (long long)different,
               (long long)count, first);
    } else {
        printf("%-10s %lld equal\n", name, (long long)count);
    }
}

static rt_status expect_integers(Verdict *verdict, const char *name, const int64_t *measured,
                                 int64_t rows, int64_t columns, rt_error *error) {
    const rt_program *program = verdict->segment->program;
    const rt_arrays *file = &verdict->segment->job->file;
    const rt_array *array;
    bool flat = strcmp(name, "weights") == 0;
    RT_TRY(rt_arrays_get(file, verdict->path, name, RT_I64, flat ? 1 : 2, &array, error));
    if (array->shape[0] != rows || (!flat && array->shape[1] != columns))
        return rt_error_set(error, RT_DATA, "%s: array '%s' is for another program", verdict->path,
                            name);
    const int64_t *expected = array->data;
    int64_t different = 0, count = 0;
    char first[256] = "";
    for (int64_t i = 0; i < rows * columns; ++i) {
        count += expected[i] >= 0;
        if (expected[i] < 0 || measured[i] == expected[i] || different++)
            continue;
        int64_t row = i / columns, column = i % columns;
        char where[128];
        if (flat)
            snprintf(where, sizeof where, "rank %lld", (long long)row);
        else if (strcmp(name, "operations") == 0)
            snprintf(where, sizeof where, "rank %lld %s", (long long)row, program->kind[column]);
        else
            snprintf(where, sizeof where, "rank %lld to %lld", (long long)row, (long long)column);
        snprintf(first, sizeof first, "%s: %lld, expected %lld", where, (long long)measured[i],
                 (long long)expected[i]);
    }
    verdict_add(verdict, name, count, different, first);
    return RT_OK;
}

static rt_status expect_tokens(Verdict *verdict, const rt_results *results, rt_error *error) {
    const rt_job *job = verdict->segment->job;
    const rt_array *array;
    RT_TRY(rt_arrays_get(&job->file, verdict->path, "tokens", RT_I32, 2, &array, error));
    if (array->shape[0] != job->sequences || array->shape[1] != job->max_new)
        return rt_error_set(error, RT_DATA, "%s: tokens are not [%lld][%lld]", verdict->path,
                            (long long)job->sequences, (long long)job->max_new);
    const int32_t *expected = array->data;
    int64_t different = 0, count = 0;
    char first[128] = "";
    for (int64_t i = 0; i < job->sequences * job->max_new; ++i) {
        count += expected[i] >= 0;
        if (expected[i] >= 0 && results->tokens[i] != expected[i] && !different++)
            snprintf(first, sizeof first, "sequence %lld new token %lld: %d, expected %d",
                     (long long)(i / job->max_new), (long long)(i % job->max_new),
                     results->tokens[i], expected[i]);
    }
    verdict_add(verdict, "tokens", count, different, first);
    return RT_OK;
}

/* Largest difference over largest expected value, against the tolerance. */
static rt_status expect_logits(Verdict *verdict, double *relative, double *tolerance,
                               rt_error *error) {
    const rt_segment *segment = verdict->segment;
    const rt_job *job = segment->job;
    const rt_array *array, *limit;
    int64_t vocabulary = segment->program->vocabulary;
    RT_TRY(rt_arrays_get(&job->file, verdict->path, "logits", RT_F32, 3, &array, error));
    RT_TRY(rt_arrays_get(&job->file, verdict->path, "tolerance", RT_F64, 1, &limit, error));
    if (array->shape[0] != job->sequences || array->shape[1] != job->longest ||
        array->shape[2] != vocabulary || limit->shape[0] != 1)
        return rt_error_set(error, RT_DATA, "%s: logits are for another program", verdict->path);
    const float *expected = array->data;
    const float *measured = (const float *)(segment->base + segment->logits);
    double largest = 0, scale = 0;
    int64_t count = 0, worst = -1, broken = 0;
    for (int64_t row = 0; row < job->sequences * job->longest; ++row) {
        if (row % job->longest >= job->lengths[row / job->longest])
            continue;
        for (int64_t i = row * vocabulary; i < (row + 1) * vocabulary; ++i) {
            if (isnan(expected[i]))
                continue;
            double difference = fabs((double)measured[i] - (double)expected[i]);
            scale = fmax(scale, fabs((double)expected[i]));
            count++;
            if (!isfinite(difference) && !broken++)
                worst = i;
            if (!broken && difference > largest) {
                largest = difference;
                worst = i;
            }
        }
    }
    *tolerance = *(const double *)limit->data;
    *relative = broken ? INFINITY : scale > 0 ? largest / scale : largest;
    bool different = !(*relative <= *tolerance);
    char first[256] = "";
    if (different && worst >= 0)
        snprintf(first, sizeof first,
                 "worst at sequence %lld position %lld entry %lld: %.9g, "
                 "expected %.9g",
                 (long long)(worst / vocabulary / job->longest),
                 (long long)(worst / vocabulary % job->longest), (long long)(worst % vocabulary),
                 (double)measured[worst], (double)expected[worst]);
    verdict_add(verdict, "logits", count, different, first);
    return RT_OK;
}

rt_status rt_report_verify(const rt_results *results, const rt_segment *segment, bool *equal,
                           rt_error *error) {
    const rt_options *options = segment->job->options;
    int64_t world = segment->program->world, kinds = segment->program->kinds;
    Verdict verdict = {.segment = segment, .path = options->expected, .json = options->json};
    double relative = 0, tolerance = 0;
    if (options->json)
        printf("{");
    RT_TRY(expect_tokens(&verdict, results, error));
    RT_TRY(expect_logits(&verdict, &relative, &tolerance, error));
    RT_TRY(expect_integers(&verdict, "operations", results->operations, world, kinds, error));
    RT_TRY(expect_integers(&verdict, "bytes", results->bytes, world, world, error));
    RT_TRY(expect_integers(&verdict, "weights", results->weights, world, 1, error));
    *equal = verdict.classes == 0;
    if (options->json) { /* JSON has no infinity */
        printf("\"relative\":");
        isfinite(relative) ? printf("%.9g", relative) : printf("null");
        printf(",\"tolerance\":%.9g,\"differs\":", tolerance);
        rt_output_string(stdout, verdict.names);
        printf(",\"equal\":%s}\n", *equal ? "true" : "false");
    } else {
        printf("%s: %s%s; logits differ by %.3g of the largest, tolerance %.3g\n",
               segment->program->name, *equal ? "verified" : "DIFFERS in ", verdict.names, relative,
               tolerance);
    }
    return RT_OK;
}
