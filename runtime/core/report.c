/* report: run and info, the verbs that only print. */
#include "core/report.h"
#include "core/backend.h"
#include "core/output.h"

#include <stdlib.h>

static double total_of(const double *values, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i)
        sum += values[i];
    return sum;
}

static int by_value(const void *a, const void *b) {
    const double *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* The value that a share of all is not above; they are put in order. 0 without any. */
static double quantile(double *values, int64_t count, double share) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    int64_t at = (int64_t)(share * (double)(count - 1) + 0.5);
    return count ? values[at] : 0;
}

static int64_t tokens_of(const int32_t *tokens, int64_t max_new) {
    int64_t count = 0;
    while (count < max_new && tokens[count] >= 0)
        ++count;
    return count;
}

static void print_tokens(const rt_results *results, const rt_job *job) {
    bool json = job->options->json;
    for (int64_t s = 0; s < job->sequences; ++s) {
        const int32_t *tokens = results->tokens + s * job->max_new;
        int64_t count = tokens_of(tokens, job->max_new);
        printf("%s", !json ? "" : s ? ",[" : "[");
        for (int64_t t = 0; t < count; ++t)
            printf("%s%d", t == 0 ? "" : json ? "," : " ", tokens[t]);
        printf("%s", json ? "]" : "\n");
    }
}

void rt_report_run(const rt_results *results, const rt_segment *segment) {
    const rt_job *job = segment->job;
    double prefill = total_of(results->prefill_s, results->steps[0]);
    double decode = total_of(results->decode_s, results->steps[1]);
    int64_t made = 0;
    for (int64_t s = 0; s < job->sequences; ++s)
        made += tokens_of(results->tokens + s * job->max_new, job->max_new);
    if (job->options->json) {
        double rate = prefill + decode > 0 ? (double)made / (prefill + decode) : 0;
        printf("{\"prefill_s\":%.6f,\"decode_s\":%.6f,\"time_to_first_token_s\":%.6f,", prefill,
               decode, quantile(results->prefill_s, results->steps[0], 0.5));
        printf("\"inter_token_s\":{\"min\":%.6f,\"median\":%.6f,\"p95\":%.6f,\"p99\":%.6f},"
               "\"tokens_per_s\":%.3f,",
               quantile(results->decode_s, results->steps[1], 0),
               quantile(results->decode_s, results->steps[1], 0.5),
               quantile(results->decode_s, results->steps[1], 0.95),
               quantile(results->decode_s, results->steps[1], 0.99), rate);
        printf("\"tokens\":[");
    }
    print_tokens(results, job);
    if (job->options->json)
        printf("]}\n");
    if (job->options->quiet)
        return;
    fprintf(stderr, "%s: %lld sequences, %lld new tokens%s; prefill %.3f ms, decode %.3f ms\n",
            segment->program->name, (long long)job->sequences,
            (long long)(job->tracks ? made : job->max_new), job->tracks ? "" : " each",
            prefill * 1e3, decode * 1e3);
}

static void info_json(const rt_program *program) {
    printf("{\"name\":");
    rt_output_string(stdout, program->name);
    printf(",\"version\":");
    rt_output_string(stdout, program->version);
    printf(",\"certificate\":");
    rt_output_string(stdout, program->certificate);
    printf(",\"digest\":");
    rt_output_string(stdout, program->digest);
    printf(",\"abi\":%d,\"world\":%d,\"batch\":%d,\"prompt\":%d,\"context\":%d,\"vocabulary\":%d,"
           "\"copies\":%d,\"kinds\":[",
           program->abi, program->world, program->batch, program->prompt, program->context,
           program->vocabulary, program->copies);
    for (int32_t k = 0; k < program->kinds; ++k) {
        printf("%s", k ? "," : "");
        rt_output_string(stdout, program->kind[k]);
    }
    printf("],\"roles\":[");
    for (int32_t r = 0; r < program->roles; ++r) {
        printf("%s{\"name\":", r ? "," : "");
        rt_output_string(stdout, program->role[r].name);
        printf(",\"operations\":%d,\"slab_bytes\":%lld,\"ranks\":[", program->role[r].op_count,
               (long long)program->role[r].slab_bytes);
        bool first = true;
        for (int32_t i = 0; i < program->world; ++i) {
            if (program->places[i].role != r)
                continue;
            printf("%s%d", first ? "" : ",", i);
            first = false;
        }
        printf("]}");
    }
    printf("]");
    rt_backend_info(program, true);
    printf("}\n");
}

void rt_report_info(const rt_program *program, bool json) {
    if (json) {
        info_json(program);
        return;
    }
    printf("%s, plan %.16s, made by %s\n", program->name, program->digest, program->version);
    printf("%d ranks; batch %d, prompt %d, context %d, vocabulary %d\n", program->world,
           program->batch, program->prompt, program->context, program->vocabulary);
    for (int32_t r = 0; r < program->roles; ++r) {
        int32_t ranks = 0;
        for (int32_t i = 0; i < program->world; ++i)
            ranks += program->places[i].role == r;
        printf("role %-12s %4d ranks, %5d operations, slab %lld bytes\n", program->role[r].name,
               ranks, program->role[r].op_count, (long long)program->role[r].slab_bytes);
    }
    rt_backend_info(program, false);
}
