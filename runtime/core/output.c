/* output: see output.h. */
#include "core/output.h"
#include "core/file.h"

#include <math.h>
#include <stdlib.h>

/* --- .npy ----------------------------------------------------------------------------------------------- */

/* Version 1.0: magic, header length, a Python literal padded so that the data is aligned to 64. */
static bool npy_header(FILE *file, const char *type, const char *shape) {
    char header[256];
    int length = snprintf(header, sizeof header,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    while ((10 + length + 1) % 64)
        header[length++] = ' ';
    header[length++] = '\n';
    unsigned char magic[10] = {0x93,
                               'N',
                               'U',
                               'M',
                               'P',
                               'Y',
                               1,
                               0,
                               (unsigned char)(length & 255),
                               (unsigned char)(length >> 8)};
    return fwrite(magic, sizeof magic, 1, file) == 1 &&
           fwrite(header, (size_t)length, 1, file) == 1;
}

rt_status rt_output_logits(const rt_segment *segment, const char *path, rt_error *error) {
    const rt_job *job = segment->job;
    size_t vocabulary = (size_t)segment->program->vocabulary;
    const float *logits = (const float *)(segment->base + segment->logits);
    float *masked = malloc(vocabulary * sizeof *masked);
    if (!masked)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %zu logits", vocabulary);
    for (size_t i = 0; i < vocabulary; ++i)
        masked[i] = NAN;
    rt_file file;
    char shape[96];
    snprintf(shape, sizeof shape, "%lld, %lld, %lld", (long long)job->sequences,
             (long long)job->longest, (long long)vocabulary);
    rt_status status = rt_file_create(&file, path, error);
    if (status != RT_OK)
        goto done;
    bool good = npy_header(file.stream, "<f4", shape);
    for (int64_t s = 0; good && s < job->sequences; ++s)
        for (int64_t t = 0; good && t < job->longest; ++t) {
            const float *row = logits + (s * job->longest + t) * (int64_t)vocabulary;
            good = fwrite(t < job->lengths[s] ? row : masked, sizeof *row, vocabulary,
                          file.stream) == vocabulary;
        }
    status = rt_file_finish(&file, good, error);
done:
    free(masked);
    return status;
}

rt_status rt_output_doubles(const char *path, int64_t rows, int64_t columns, const double *values,
                            rt_error *error) {
    rt_file file;
    char shape[64];
    size_t count = (size_t)rows * (size_t)columns;
    snprintf(shape, sizeof shape, "%lld, %lld", (long long)rows, (long long)columns);
    RT_TRY(rt_file_create(&file, path, error));
    bool good = npy_header(file.stream, "<f8", shape) &&
                fwrite(values, sizeof *values, count, file.stream) == count;
    return rt_file_finish(&file, good, error);
}

/* --- trace ---------------------------------------------------------------------------------------------- */

void rt_output_string(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text; ++text) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(file, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, file);
    }
    fputc('"', file);
}

static void trace_event(FILE *file, const rt_segment *segment, int rank, const rt_event *event,
                        double origin) {
    const rt_program *program = segment->program;
    const rt_op *op = &program->role[program->places[rank].role].ops[event->op];
    fprintf(file, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"name\":", rank,
            op->stream, (event->begin - origin) * 1e6, (event->end - event->begin) * 1e6);
    rt_output_string(file, op->kind);
    fprintf(file, ",\"cat\":");
    rt_output_string(file, op->part);
    fprintf(file, ",\"args\":{\"op\":%d,\"layer\":%d,\"microbatch\":%d,\"wait_us\":%.3f,\"step\":",
            event->op, event->layer, op->microbatch, event->wait * 1e6);
    rt_output_string(file, program->step[event->step].name);
    if (segment->job->emulated)
        fprintf(file, ",\"run\":%d", event->run);
    fprintf(file, "}}");
}

static void trace_rank(FILE *file, const rt_segment *segment, int rank, double origin) {
    const rt_program *program = segment->program;
    const rt_area *area = rt_segment_area(segment, rank);
    const rt_event *events = rt_segment_array(segment, rank, segment->area_events);
    char name[160];
    snprintf(name, sizeof name, "rank %d (%s)", rank,
             program->role[program->places[rank].role].name);
    fprintf(file, "%s{\"ph\":\"M\",\"pid\":%d,\"name\":\"process_name\",\"args\":{\"name\":",
            rank ? ",\n" : "", rank);
    rt_output_string(file, name);
    fprintf(file, ",\"events_dropped\":%lld}}", (long long)area->events_dropped);
    for (int64_t i = 0; i < area->events; ++i)
        trace_event(file, segment, rank, &events[i], origin);
}

rt_status rt_output_trace(const rt_segment *segment, const char *path, rt_error *error) {
    double origin = INFINITY;
    int64_t dropped = 0;
    for (int32_t r = 0; r < segment->program->world; ++r) {
        const rt_area *area = rt_segment_area(segment, r);
        const rt_event *events = rt_segment_array(segment, r, segment->area_events);
        if (area->events && events[0].begin < origin)
            origin = events[0].begin;
        dropped += area->events_dropped;
    }
    rt_file whole;
    RT_TRY(rt_file_create(&whole, path, error));
    FILE *file = whole.stream;
    fprintf(file, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    for (int32_t r = 0; r < segment->program->world; ++r)
        trace_rank(file, segment, r, origin);
    fprintf(file, "\n]}\n");
    RT_TRY(rt_file_finish(&whole, true, error));
    if (dropped)
        fprintf(stderr, "%s: the last %lld events were left out; a rank keeps %d\n", path,
                (long long)dropped, RT_TRACE_EVENTS);
    return RT_OK;
}
