/* trace: events in the order of processes and threads; times in whole nanoseconds, so that neighbours on a
 * stream never overlap by rounding. Scratch is freed before return. */
#include "show/trace.h"

#include "holds.h"
#include "trace_memory.h"
#include "words.h"

#include <math.h>
#include <string.h>

typedef struct Tracer {
    const Schedule *schedule;
    const Timeline *line;
    const char *step;
    int64_t only;   /* rank, -1: all */
    int64_t origin; /* ns at which the step begins */
    Jsonw json;
    Buf words;
} Tracer;

static int64_t nanoseconds(double seconds) {
    return llround(seconds * 1e9);
}

/* Chrome counts in microseconds. */
static void put_time(Tracer *tracer, const char *key, int64_t ns) {
    jsonw_key(&tracer->json, key);
    jsonw_real(&tracer->json, (double)ns / 1000);
}

/* --- names
 * -------------------------------------------------------------------------------------------- */

static void put_name(Tracer *tracer, const char *what, int64_t rank, int64_t stream,
                     const char *name) {
    jsonw_object(&tracer->json, true);
    jsonw_key(&tracer->json, "args");
    jsonw_object(&tracer->json, true);
    jsonw_key_string(&tracer->json, "name", name);
    jsonw_end(&tracer->json);
    jsonw_key_string(&tracer->json, "name", what);
    jsonw_key_string(&tracer->json, "ph", "M");
    jsonw_key_int(&tracer->json, "pid", rank);
    jsonw_key_int(&tracer->json, "tid", stream);
    jsonw_end(&tracer->json);
}

static void put_rank_names(Tracer *tracer, int64_t rank, const Place *place) {
    const RankSchedule *of = &tracer->schedule->ranks[rank];
    const PlanRank *at = &tracer->schedule->plan->ranks.items[rank];
    bool used[4] = {0};
    for (int64_t i = 0; i < of->ops.count; ++i)
        used[of->ops.items[i].stream] = true;
    buf_clear(&tracer->words);
    buf_printf(&tracer->words, "rank %lld: %s, node %lld GPU %lld", (long long)rank,
               holds_sort_names[holds_sort(place)], (long long)at->node, (long long)at->gpu);
    put_name(tracer, "process_name", rank, 0, tracer->words.data);
    for (int64_t stream = 0; stream < 4; ++stream)
        if (used[stream])
            put_name(tracer, "thread_name", rank, stream, plan_stream_names[stream]);
}

/* --- operations
 * --------------------------------------------------------------------------------------- */

static const Op *op_of(const Tracer *tracer, const TimelineItem *item) {
    return &tracer->schedule->ranks[item->rank].ops.items[item->op];
}

/* What let the operation begin: "rank 3 dispatch, layer 2", or nothing. */
static void put_blocker(Tracer *tracer, const TimelineItem *item) {
    if (item->blocker < 0)
        return;
    const TimelineItem *by = &tracer->line->items.items[item->blocker];
    buf_clear(&tracer->words);
    buf_printf(&tracer->words, "%s of rank %d", op_info[op_of(tracer, by)->kind].name, by->rank);
    if (by->layer >= 0)
        buf_printf(&tracer->words, ", layer %d", by->layer);
    jsonw_key_string(&tracer->json, "after", tracer->words.data);
}

static void put_item(Tracer *tracer, const TimelineItem *item) {
    const Op *op = op_of(tracer, item);
    int64_t begin = nanoseconds(item->begin), end = nanoseconds(item->end);
    Jsonw *json = &tracer->json;
    jsonw_object(json, true);
    jsonw_key(json, "args");
    jsonw_object(json, true);
    put_blocker(tracer, item);
    jsonw_key(json, "critical");
    jsonw_bool(json, item->critical);
    buf_clear(&tracer->words);
    words_op(tracer->schedule, item->rank, op, &tracer->words);
    jsonw_key_string(json, "does", tracer->words.data ? tracer->words.data : "");
    if (item->layer >= 0)
        jsonw_key_int(json, "layer", item->layer);
    jsonw_key_int(json, "microbatch", op->microbatch);
    jsonw_key_int(json, "op", item->op);
    jsonw_key_string(json, "step", tracer->step);
    put_time(tracer, "waited_us", nanoseconds(item->begin - item->ready));
    jsonw_end(json);
    jsonw_key_string(json, "cat", plan_part_names[op->part]);
    put_time(tracer, "dur", end - begin);
    jsonw_key_string(json, "name", op_info[op->kind].name);
    jsonw_key_string(json, "ph", "X");
    jsonw_key_int(json, "pid", item->rank);
    jsonw_key_int(json, "tid", item->stream);
    put_time(tracer, "ts", tracer->origin + begin);
    jsonw_end(json);
}

/* --- arrows
 * ------------------------------------------------------------------------------------------- */

static void put_end(Tracer *tracer, const TimelineItem *item, int64_t id, bool from) {
    Jsonw *json = &tracer->json;
    jsonw_object(json, true);
    if (!from)
        jsonw_key_string(json, "bp", "e"); /* to the slice around it, not the next one */
    jsonw_key_string(json, "cat", "move");
    jsonw_key_int(json, "id", id);
    jsonw_key_string(json, "name", op_info[op_of(tracer, item)->kind].name);
    jsonw_key_string(json, "ph", from ? "s" : "f");
    jsonw_key_int(json, "pid", item->rank);
    jsonw_key_int(json, "tid", item->stream);
    int64_t begin = nanoseconds(item->begin), end = nanoseconds(item->end);
    put_time(tracer, "ts", tracer->origin + (from ? begin : begin + (end - begin) / 2));
    jsonw_end(json);
}

static bool is_source(const Exchange *exchange, int64_t rank) {
    for (int64_t i = 0; i < exchange->sources.count; ++i)
        if (exchange->sources.items[i].rank == rank)
            return true;
    return false;
}

static bool is_target(const Exchange *exchange, int64_t rank) {
    for (int64_t i = 0; i < exchange->targets.count; ++i)
        if (exchange->targets.items[i].rank == rank)
            return true;
    return false;
}

/* Does a member give in this move, and does it get? */
static void ends_of(const Tracer *tracer, const TimelineItem *item, bool *gives, bool *gets) {
    const Op *op = op_of(tracer, item);
    *gives = op->kind != OP_recv;
    *gets = op->kind != OP_send;
    if (op_info[op->kind].class != OPCLASS_EXCHANGE)
        return;
    const Exchange *exchange = &tracer->schedule->exchanges.items[op->exchange];
    bool source = is_source(exchange, item->rank), target = is_target(exchange, item->rank);
    *gives = op->kind == OP_dispatch ? source : target;
    *gets = op->kind == OP_dispatch ? target : source;
}

/* Arrows of a meeting: as many as the more of givers and getters, so that each has one; of a collective a
 * ring. All pairs would be the square of it. */
static void put_arrows(Tracer *tracer, const int64_t *items, int64_t count, int64_t *id,
                       int64_t *givers, int64_t *getters) {
    const TimelineItem *all = tracer->line->items.items;
    int64_t g = 0, t = 0;
    for (int64_t i = 0; i < count; ++i) {
        bool gives, gets;
        ends_of(tracer, &all[items[i]], &gives, &gets);
        if (gives)
            givers[g++] = items[i];
        if (gets)
            getters[t++] = items[i];
    }
    for (int64_t i = 0; g > 0 && t > 0 && i < (g > t ? g : t); ++i) {
        const TimelineItem *from = &all[givers[i % g]];
        const TimelineItem *to = &all[getters[(i + (g == t && g > 1)) % t]];
        if (from->rank == to->rank)
            continue;
        put_end(tracer, from, *id, true);
        put_end(tracer, to, (*id)++, false);
    }
}

static void put_meetings(Tracer *tracer, int64_t *id) {
    const Timeline *line = tracer->line;
    Arena scratch = {0};
    int64_t meetings = 0;
    for (int64_t i = 0; i < line->items.count; ++i)
        if (line->items.items[i].meeting >= meetings)
            meetings = line->items.items[i].meeting + 1;
    int64_t *first = ARENA_ARRAY(&scratch, meetings + 1, int64_t); /* into members */
    for (int64_t i = 0; i < line->items.count; ++i)
        if (line->items.items[i].meeting >= 0)
            first[line->items.items[i].meeting + 1]++;
    for (int64_t m = 0; m < meetings; ++m)
        first[m + 1] += first[m];
    int64_t *members = ARENA_ARRAY(&scratch, first[meetings], int64_t);
    int64_t *filled = ARENA_ARRAY(&scratch, meetings, int64_t);
    for (int64_t i = 0; i < line->items.count; ++i) {
        int32_t m = line->items.items[i].meeting;
        if (m >= 0)
            members[first[m] + filled[m]++] = i;
    }
    int64_t *ends = ARENA_ARRAY(&scratch, 2 * tracer->schedule->world, int64_t);
    for (int64_t m = 0; m < meetings; ++m)
        put_arrows(tracer, members + first[m], filled[m], id, ends, ends + tracer->schedule->world);
    arena_free(&scratch);
}

/* --- memory
 * ------------------------------------------------------------------------------------------- */

static void put_level(void *context, int64_t rank, double seconds, const MemoryLevel *level) {
    Tracer *tracer = context;
    Jsonw *json = &tracer->json;
    jsonw_object(json, true);
    jsonw_key(json, "args");
    jsonw_object(json, true);
    jsonw_key_int(json, "activations", level->activations);
    jsonw_key_int(json, "state", level->state);
    jsonw_key_int(json, "weights", level->weights);
    jsonw_key_int(json, "windows", level->windows);
    jsonw_end(json);
    jsonw_key_string(json, "name", "memory in use, bytes");
    jsonw_key_string(json, "ph", "C");
    jsonw_key_int(json, "pid", rank);
    put_time(tracer, "ts", tracer->origin + nanoseconds(seconds));
    jsonw_end(json);
}

/* --- all of it
 * ---------------------------------------------------------------------------------------- */

static void put_step_mark(Tracer *tracer) {
    Jsonw *json = &tracer->json;
    buf_clear(&tracer->words);
    buf_printf(&tracer->words, "step %s", tracer->step);
    jsonw_object(json, true);
    jsonw_key_string(json, "name", tracer->words.data);
    jsonw_key_string(json, "ph", "i");
    jsonw_key_int(json, "pid", tracer->only < 0 ? 0 : tracer->only);
    jsonw_key_string(json, "s", "g");
    jsonw_key_int(json, "tid", 0);
    put_time(tracer, "ts", tracer->origin);
    jsonw_end(json);
}

static void put_step(Tracer *tracer, int64_t step, CostCase at, int64_t *id) {
    Arena scratch = {0};
    Timeline line = simulate_timeline(&scratch, tracer->schedule, step, at);
    tracer->line = &line;
    tracer->step = tracer->schedule->plan->steps.items[step].name;
    put_step_mark(tracer);
    for (int64_t i = 0; i < line.items.count; ++i)
        if (tracer->only < 0 || line.items.items[i].rank == tracer->only)
            put_item(tracer, &line.items.items[i]);
    if (tracer->only < 0)
        put_meetings(tracer, id);
    trace_memory(tracer->schedule, &line, tracer->only, put_level, tracer);
    tracer->origin += nanoseconds(line.makespan);
    arena_free(&scratch);
}

void trace_write(const Schedule *schedule, int64_t step, int64_t rank, CostCase at, Buf *out) {
    Arena scratch = {0};
    Tracer tracer = {.schedule = schedule, .only = rank};
    const Place *places = place_all(&scratch, schedule->plan);
    int64_t id = 0;
    jsonw_begin(&tracer.json, out);
    jsonw_object(&tracer.json, false);
    jsonw_key_string(&tracer.json, "displayTimeUnit", "ns");
    jsonw_key(&tracer.json, "traceEvents");
    jsonw_array(&tracer.json, false);
    for (int64_t r = 0; r < schedule->world; ++r)
        if (rank < 0 || r == rank)
            put_rank_names(&tracer, r, &places[r]);
    for (int64_t s = 0; s < schedule->plan->steps.count; ++s)
        if (step < 0 || s == step)
            put_step(&tracer, s, at, &id);
    jsonw_end(&tracer.json);
    jsonw_end(&tracer.json);
    jsonw_finish(&tracer.json);
    buf_free(&tracer.words);
    arena_free(&scratch);
}
