/* segment: see segment.h. Pages are touched on demand: a slab costs what its rank uses of it. */
#include "core/segment.h"
#include "core/backend.h"
#include "core/made.h"
#include "core/emulate_state.h"
#include "core/identity.h"
#include "core/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENT_PAGE = 4096, SEGMENT_LINE = 64 };

/* Reserve count x size bytes at *at; returns where. Saturates when the sum does not fit. */
static int64_t reserve(int64_t *at, int64_t count, int64_t size, int64_t align) {
    int64_t begin, bytes, end;
    if (__builtin_add_overflow(*at, align - 1, &begin) ||
        __builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(begin / align * align, bytes, &end)) {
        *at = INT64_MAX;
        return 0;
    }
    *at = end;
    return begin / align * align;
}

static void plan_area(rt_segment *segment, const rt_job *job) {
    const rt_program *program = job->program;
    int64_t at = sizeof(rt_area), ops = 0;
    for (int32_t r = 0; r < program->roles; ++r)
        ops = program->role[r].op_count > ops ? program->role[r].op_count : ops;
    segment->area_operations = reserve(&at, program->kinds, sizeof(int64_t), SEGMENT_LINE);
    segment->area_bytes = reserve(&at, program->world, sizeof(int64_t), SEGMENT_LINE);
    segment->area_busy = reserve(&at, program->kinds, sizeof(double), SEGMENT_LINE);
    segment->area_wait = reserve(&at, program->kinds, sizeof(double), SEGMENT_LINE);
    segment->area_ends =
        reserve(&at, job->waves * (1 + job->max_new), sizeof(double), SEGMENT_LINE);
    segment->area_times = reserve(&at, job->times ? ops : 0, sizeof(rt_op_time), SEGMENT_LINE);
    segment->area_events =
        reserve(&at, job->trace ? RT_TRACE_EVENTS : 0, sizeof(rt_event), SEGMENT_LINE);
    segment->area_stride = 0;
    segment->area_stride = reserve(&at, 0, 0, SEGMENT_PAGE);
}

rt_status rt_segment_plan(rt_segment *segment, const rt_job *job, rt_error *error) {
    const rt_program *program = job->program;
    *segment = (rt_segment){.program = program, .job = job};
    segment->slots = calloc((size_t)program->channels + 1, sizeof *segment->slots);
    segment->pair_first = calloc((size_t)program->exchanges + 1, sizeof *segment->pair_first);
    segment->slabs = calloc((size_t)program->world, sizeof *segment->slabs);
    if (!segment->slots || !segment->pair_first || !segment->slabs) {
        rt_segment_close(segment);
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for the layout of %d ranks",
                            program->world);
    }
    int64_t at = sizeof(rt_header);
    plan_area(segment, job);
    segment->area = reserve(&at, program->world, segment->area_stride, SEGMENT_PAGE);
    segment->barriers = reserve(&at, program->channels + 1, sizeof(rt_barrier), SEGMENT_LINE);
    for (int32_t c = 0; c < program->channels; ++c)
        segment->slots[c] = reserve(&at, program->channel[c].members,
                                    RT_SLOT_TURNS * sizeof(rt_slot), SEGMENT_LINE);
    for (int32_t e = 0; e < program->exchanges; ++e) {
        segment->pair_first[e] = segment->pair_count;
        segment->pair_count += rt_exchange_words(&program->exchange[e], false) +
                               rt_exchange_words(&program->exchange[e], true);
    }
    segment->pairs = reserve(&at, segment->pair_count, sizeof(rt_pair), SEGMENT_LINE);
    segment->tokens = reserve(&at, job->sequences * job->max_new, sizeof(int32_t), SEGMENT_LINE);
    segment->made =
        reserve(&at, job->tracks ? job->waves * job->max_new : 0, sizeof(rt_made), SEGMENT_LINE);
    segment->indices = reserve(&at, job->waves, sizeof(int32_t), SEGMENT_LINE);
    int64_t kept = job->scores ? program->batch : job->logits ? job->sequences : 0;
    int64_t rows = kept * job->longest;
    segment->logits =
        reserve(&at, rows, (int64_t)sizeof(float) * program->vocabulary, SEGMENT_PAGE);
    segment->logits_bytes = at - segment->logits;
    segment->scores =
        reserve(&at, job->scores ? job->sequences * job->longest : 0, sizeof(double), SEGMENT_LINE);
    int64_t links = job->preflight ? rt_links_count(program) : 0;
    segment->links = reserve(&at, links > 0 ? links : 0, sizeof(rt_link_time), SEGMENT_LINE);
    segment->links_bytes = (links > 0 ? links : 0) * (int64_t)sizeof(rt_link_time);
    if (job->emulated) {
        segment->word_count = rt_emulation_words(program);
        segment->emulation = reserve(&at, 1, rt_emulation_bytes(job), SEGMENT_PAGE);
        segment->words = reserve(&at, segment->word_count, sizeof(rt_barrier), SEGMENT_LINE);
    }
    for (int32_t r = 0; r < program->world; ++r) /* who computes nothing has no data */
        segment->slabs[r] = reserve(
            &at,
            job->emulated ? 0 : rt_backend_shared_bytes(&program->role[program->places[r].role]), 1,
            SEGMENT_PAGE);
    segment->total = at;
    if (at == INT64_MAX) {
        rt_segment_close(segment);
        return rt_error_set(error, RT_UNAVAILABLE,
                            "the shared memory of the run exceeds 2^63 bytes");
    }
    return RT_OK;
}

rt_status rt_segment_map(rt_segment *segment, int fd, bool create, rt_error *error) {
    size_t total = (size_t)segment->total;
    if (create && fd >= 0 && ftruncate(fd, segment->total) != 0)
        return rt_error_set(error, RT_UNAVAILABLE, "shared memory of %zu bytes: %s", total,
                            strerror(errno));
    struct stat info;
    if (fd >= 0 && !create && fstat(fd, &info) != 0)
        return rt_error_set(error, RT_UNAVAILABLE, "the shared memory of this run: %s",
                            strerror(errno));
    if (fd >= 0 && !create && info.st_size != segment->total)
        return rt_error_set(error, RT_UNAVAILABLE,
                            "the shared memory of this run was made for another command line");
    int flags = MAP_NORESERVE | (fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
    void *base = mmap(NULL, total, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (base == MAP_FAILED)
        return rt_error_set(error, RT_UNAVAILABLE, "cannot map %zu bytes for the ranks: %s", total,
                            strerror(errno));
    segment->base = base;
    madvise(base, total, MADV_DONTDUMP); /* a rank's death must not take the time to write this */
    rt_header *header = base;
    if (create) {
        rt_identity_write(header, segment->program);
        header->total = segment->total;
        header->launcher = (int32_t)getpid();
        if (getrandom(&header->run, sizeof header->run, GRND_NONBLOCK) != sizeof header->run)
            header->run = (uint64_t)header->launcher; /* early in the life of a machine */
        atomic_store(&header->ready, 1);
    } else if (!atomic_load(&header->ready) || header->total != segment->total) {
        return rt_error_set(error, RT_UNAVAILABLE,
                            "the shared memory of this run belongs to another run");
    }
    return RT_OK;
}

void rt_segment_close(rt_segment *segment) {
    if (segment->base)
        munmap(segment->base, (size_t)segment->total);
    free(segment->slots);
    free(segment->pair_first);
    free(segment->slabs);
    *segment = (rt_segment){0};
}

bool rt_segment_fail(rt_segment *segment, int rank, rt_status status, const char *message) {
    rt_header *header = rt_segment_header(segment);
    int32_t none = 0;
    if (!atomic_compare_exchange_strong(&header->failed, &none, rank + 1))
        return false;
    rt_area *area = rt_segment_area(segment, rank);
    area->status = status;
    snprintf(area->message, sizeof area->message, "%s", message);
    rt_word_add(&header->told);
    rt_word_wake(&header->told);
    rt_word_abort(&header->made);
    for (int32_t c = 0; c <= segment->program->channels; ++c)
        rt_word_abort(&rt_segment_barrier(segment, c)->arrived);
    rt_pair *pairs = (rt_pair *)(segment->base + segment->pairs);
    for (int64_t i = 0; i < segment->pair_count; ++i) {
        rt_word_abort(&pairs[i].published);
        rt_word_abort(&pairs[i].taken);
    }
    for (int64_t i = 0; i < segment->word_count; ++i)
        rt_word_abort(&rt_segment_word(segment, i)->arrived);
    if (segment->mirror)
        segment->mirror->failed(segment->mirror);
    return true;
}

void rt_segment_doing(const rt_segment *segment, int rank, char *text, size_t size) {
    const rt_program *program = segment->program;
    const rt_area *area = rt_segment_area(segment, rank);
    const rt_role *role = &program->role[program->places[rank].role];
    int32_t step = atomic_load_explicit(&area->step, memory_order_relaxed) - 1;
    int32_t op = atomic_load_explicit(&area->op, memory_order_relaxed) - 1;
    int32_t layer = atomic_load_explicit(&area->layer, memory_order_relaxed) - 1;
    char where[32] = "";
    if (layer >= 0)
        snprintf(where, sizeof where, ", layer %d", layer);
    if (step < 0 || step >= program->steps)
        snprintf(text, size, step < 0 ? "loading" : "shutdown");
    else if (op < 0 || op >= role->op_count)
        snprintf(text, size, "%s, between operations", program->step[step].name);
    else
        snprintf(text, size, "%s%s, operation %d %s", program->step[step].name, where, op,
                 role->ops[op].kind);
}
