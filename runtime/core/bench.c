/* bench: TPOT, TPS and throughput with their spread, and where the time went; measure: time per operation.
 *
 *   TPOT        seconds of one decode step, the slowest rank's
 *   TPS         new tokens of the decode steps of a round / their seconds
 *   throughput  prompt and new tokens of a round / seconds of its prefill and decode
 *
 * A round is all sequences once; several make the spread. */
#include "core/output.h"
#include "core/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Spread {
    int64_t count;
    double median, min, max, deviation, range; /* range: between the quartiles */
} Spread;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int64_t count, double share) {
    double at = share * (double)(count - 1);
    int64_t low = (int64_t)at;
    int64_t high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (sorted[high] - sorted[low]) * (at - (double)low);
}

/* Sorts the values. */
static Spread spread_of(double *values, int64_t count) {
    Spread spread = {.count = count};
    if (count == 0)
        return spread;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; ++i)
        sum += values[i];
    for (int64_t i = 0; i < count; ++i)
        squares += (values[i] - sum / (double)count) * (values[i] - sum / (double)count);
    qsort(values, (size_t)count, sizeof *values, by_value);
    spread.median = quantile(values, count, 0.5);
    spread.min = values[0];
    spread.max = values[count - 1];
    spread.deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    spread.range = quantile(values, count, 0.75) - quantile(values, count, 0.25);
    return spread;
}

/* `scale` makes the unit that is printed, whose name JSON appends to the key. */
static void spread_print(const char *name, const char *unit, double scale, Spread s, bool json) {
    if (json)
        printf("\"%s%s\":{\"count\":%lld,\"median\":%.6g,\"min\":%.6g,\"max\":%.6g,\"stddev\":%.6g,"
               "\"iqr\":%.6g},",
               name, strcmp(unit, "ms") == 0 ? "_ms" : "_per_s", (long long)s.count,
               s.median * scale, s.min * scale, s.max * scale, s.deviation * scale,
               s.range * scale);
    else
        printf("%-12s median %.3f %s, min %.3f, max %.3f, stddev %.3f, iqr %.3f, of %lld\n", name,
               s.median * scale, unit, s.min * scale, s.max * scale, s.deviation * scale,
               s.range * scale, (long long)s.count);
}

/* Mean seconds over the ranks of a role for one kind; false: the role has no such operation. */
static bool kind_seconds(const rt_results *results, const rt_program *program, int role, int kind,
                         double *busy, double *wait) {
    int64_t ranks = 0, operations = 0;
    *busy = *wait = 0;
    for (int64_t r = 0; r < program->world; ++r) {
        if (program->places[r].role != role)
            continue;
        ranks++;
        operations += results->operations[r * program->kinds + kind];
        *busy += results->busy_s[r * program->kinds + kind];
        *wait += results->wait_s[r * program->kinds + kind];
    }
    *busy /= ranks ? (double)ranks : 1;
    *wait /= ranks ? (double)ranks : 1;
    return operations > 0;
}

static void kinds_print(const rt_results *results, const rt_program *program, bool json) {
    bool first = true;
    printf("%s",
           json ? "\"kinds\":["
                : "role         kind                  busy s     waiting s  (mean of its ranks)\n");
    for (int role = 0; role < program->roles; ++role)
        for (int kind = 0; kind < program->kinds; ++kind) {
            double busy, wait;
            if (!kind_seconds(results, program, role, kind, &busy, &wait))
                continue;
            if (json) {
                printf("%s{\"role\":", first ? "" : ",");
                rt_output_string(stdout, program->role[role].name);
                printf(",\"kind\":");
                rt_output_string(stdout, program->kind[kind]);
                printf(",\"busy_s\":%.6g,\"wait_s\":%.6g}", busy, wait);
            } else {
                printf("%-12s %-18s %10.6f  %12.6f\n", program->role[role].name,
                       program->kind[kind], busy, wait);
            }
            first = false;
        }
    printf("%s", json ? "]" : "");
}

/* Tokens per second of each round: in decode, and of all tokens in all steps. */
static void round_rates(const rt_results *results, const rt_job *job, double *tps,
                        double *throughput) {
    int64_t rounds = job->waves / job->round, steps = job->max_new - 1;
    double prompt = 0, decoded = (double)(job->sequences * steps);
    for (int64_t s = 0; s < job->sequences; ++s)
        prompt += job->lengths[s];
    for (int64_t r = 0; r < rounds; ++r) {
        double prefill_s = 0, decode_s = 0;
        for (int64_t w = r * job->round; w < (r + 1) * job->round; ++w) {
            prefill_s += results->prefill_s[w];
            for (int64_t d = 0; d < steps; ++d)
                decode_s += results->decode_s[w * steps + d];
        }
        tps[r] = decoded / decode_s;
        throughput[r] = (prompt + (double)(job->sequences * job->max_new)) / (prefill_s + decode_s);
    }
}

void rt_report_bench(const rt_results *results, const rt_segment *segment) {
    const rt_job *job = segment->job;
    bool json = job->options->json;
    int64_t rounds = job->waves / job->round;
    double *tps = calloc((size_t)rounds, sizeof *tps);
    double *throughput = calloc((size_t)rounds, sizeof *throughput);
    bool rated = tps && throughput; /* else they are counted as none */
    if (rated)
        round_rates(results, job, tps, throughput);
    if (json)
        printf("{\"batch\":%lld,\"prompt_tokens\":%lld,", (long long)job->sequences,
               (long long)job->longest);
    else
        printf("%s: %lld sequences of %lld prompt tokens\n", segment->program->name,
               (long long)job->sequences, (long long)job->longest);
    spread_print("prefill", "ms", 1e3, spread_of(results->prefill_s, results->steps[0]), json);
    spread_print("tpot", "ms", 1e3, spread_of(results->decode_s, results->steps[1]), json);
    spread_print("tps", "new tokens/s in decode", 1, spread_of(tps, rated ? rounds : 0), json);
    spread_print("throughput", "prompt and new tokens/s", 1,
                 spread_of(throughput, rated ? rounds : 0), json);
    kinds_print(results, segment->program, json);
    printf("%s", json ? "}\n" : "");
    free(tps);
    free(throughput);
}

/* --- measure -------------------------------------------------------------------------------------------- */

/* Rows of the table of measure, an operation of a role each. */
typedef struct Times {
    int64_t count;
    int32_t *role, *op;
    int64_t *runs;
    double *mean, *min, *wait; /* seconds; mean and least of busy, mean of waiting */
    int64_t capacity;          /* rows that there is room for */
    double *begin, *end;       /* [world][capacity] mean clock reading; 0: not of the rank's role */
} Times;

static void times_free(Times *times) {
    free(times->role);
    free(times->op);
    free(times->runs);
    free(times->mean);
    free(times->min);
    free(times->wait);
    free(times->begin);
    free(times->end);
}

static rt_status times_create(Times *times, const rt_program *program, rt_error *error) {
    size_t count = 0;
    for (int32_t r = 0; r < program->roles; ++r)
        count += (size_t)program->role[r].op_count;
    times->role = calloc(count + 1, sizeof *times->role);
    times->op = calloc(count + 1, sizeof *times->op);
    times->runs = calloc(count + 1, sizeof *times->runs);
    times->mean = calloc(count + 1, sizeof *times->mean);
    times->min = calloc(count + 1, sizeof *times->min);
    times->wait = calloc(count + 1, sizeof *times->wait);
    times->capacity = (int64_t)count + 1;
    times->begin = calloc((size_t)program->world * (count + 1), sizeof *times->begin);
    times->end = calloc((size_t)program->world * (count + 1), sizeof *times->end);
    if (!times->role || !times->op || !times->runs || !times->mean || !times->min || !times->wait ||
        !times->begin || !times->end)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %zu operations", count);
    return RT_OK;
}

/* Sum one operation over the ranks of its role. */
static void times_add(Times *times, const rt_segment *segment, int32_t role, int32_t op) {
    int64_t runs = 0;
    double busy = 0, wait = 0, least = INFINITY;
    for (int32_t r = 0; r < segment->program->world; ++r) {
        const rt_op_time *time = rt_segment_array(segment, r, segment->area_times);
        if (segment->program->places[r].role != role || !time[op].count)
            continue;
        runs += time[op].count;
        busy += time[op].busy;
        wait += time[op].wait;
        least = fmin(least, time[op].busy_min);
        int64_t at = r * times->capacity + times->count;
        times->begin[at] = time[op].begin / (double)time[op].count;
        times->end[at] = time[op].end / (double)time[op].count;
    }
    if (!runs)
        return;
    int64_t i = times->count++;
    times->role[i] = role;
    times->op[i] = op;
    times->runs[i] = runs;
    times->mean[i] = busy / (double)runs;
    times->wait[i] = wait / (double)runs;
    times->min[i] = least;
}

static void times_print(const Times *times, const rt_program *program, bool json) {
    printf("%s",
           json
               ? "{\"operations\":[\n"
               : "role         op kind                 runs     mean us      min us  waiting us\n");
    for (int64_t i = 0; i < times->count; ++i) {
        const rt_role *role = &program->role[times->role[i]];
        const rt_op *op = &role->ops[times->op[i]];
        if (json) {
            printf("%s{\"role\":", i ? ",\n" : "");
            rt_output_string(stdout, role->name);
            printf(",\"op\":%d,\"kind\":", times->op[i]);
            rt_output_string(stdout, op->kind);
            printf(",\"count\":%lld,\"mean_s\":%.6g,\"min_s\":%.6g,\"wait_s\":%.6g}",
                   (long long)times->runs[i], times->mean[i], times->min[i], times->wait[i]);
        } else {
            printf("%-10s %4d %-16s %8lld %11.3f %11.3f %11.3f\n", role->name, times->op[i],
                   op->kind, (long long)times->runs[i], times->mean[i] * 1e6, times->min[i] * 1e6,
                   times->wait[i] * 1e6);
        }
    }
    printf("%s", json ? "\n]}\n" : "");
}

static rt_status times_write(const Times *times, const rt_program *program, const char *dir,
                             rt_error *error) {
    const rt_array arrays[] = {
        {"role", RT_I32, 1, {times->count}, times->role},
        {"op", RT_I32, 1, {times->count}, times->op},
        {"count", RT_I64, 1, {times->count}, times->runs},
        {"mean_s", RT_F64, 1, {times->count}, times->mean},
        {"min_s", RT_F64, 1, {times->count}, times->min},
        {"wait_s", RT_F64, 1, {times->count}, times->wait},
        {"begin_s", RT_F64, 2, {program->world, times->capacity}, times->begin},
        {"end_s", RT_F64, 2, {program->world, times->capacity}, times->end},
    };
    return rt_results_save(dir, "measure.rta", program->digest, arrays,
                           sizeof arrays / sizeof *arrays, error);
}

rt_status rt_report_measure(const rt_segment *segment, rt_error *error) {
    const rt_program *program = segment->program;
    const rt_options *options = segment->job->options;
    Times times = {0};
    rt_status status = times_create(&times, program, error);
    for (int32_t r = 0; status == RT_OK && r < program->roles; ++r)
        for (int32_t op = 0; op < program->role[r].op_count; ++op)
            times_add(&times, segment, r, op);
    if (status == RT_OK)
        times_print(&times, program, options->json);
    if (status == RT_OK && options->out)
        status = times_write(&times, program, options->out, error);
    times_free(&times);
    return status;
}
