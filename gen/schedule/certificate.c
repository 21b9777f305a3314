/* certificate: makes the witness of a proved schedule: the order by letting all ranks run (walk.h), the intervals by
 * going along each role's program. Both are folded, so that layers that are alike take no room. What lies in the
 * caller's arena is small; tables of a step lie in an arena of their own. */
#include "schedule/certificate.h"

#include "schedule/walk.h"

#include <string.h>

enum { PERIODS_TRIED = 16 };

static int64_t value_of(const Op *op, const char *name) {
    return op->args[op_arg((OpKind)op->kind, name)].value;
}

static int64_t meeting_bytes(const Schedule *schedule, const Op *op) {
    if (op->kind == OP_send || op->kind == OP_recv)
        return value_of(op, "bytes");
    if (op_info[op->kind].class != OPCLASS_EXCHANGE)
        return value_of(op, "units") * value_of(op, "unit_bytes");
    const Exchange *exchange = &schedule->exchanges.items[op->exchange];
    int64_t rows = 0;
    for (int64_t s = 0; s < exchange->sources.count; ++s)
        for (int64_t t = 0; t < exchange->targets.count; ++t)
            rows += op->kind == OP_combine ? exchange_return_rows(exchange, s, t, schedule->top_k)
                                           : exchange_source_rows(exchange, s);
    return rows * schedule->row_bytes;
}

/* --- order and matching ------------------------------------------------------------------------------- */

typedef struct Meetings {
    const Schedule *schedule;
    Arena *arena, *scratch;
    IntList order;       /* places */
    int64_t *met;        /* [places] so far */
    int64_t *exchanged;  /* [2 x exchanges] bytes, which are long to sum; -1: not asked yet */
    IntList *matches_of; /* [places] ids in matching */
    CertificateStep *step;
} Meetings;

static int64_t bytes_of(Meetings *meetings, const Op *op) {
    if (op_info[op->kind].class != OPCLASS_EXCHANGE)
        return meeting_bytes(meetings->schedule, op);
    int64_t *known = &meetings->exchanged[2 * op->exchange + (op->kind == OP_combine)];
    if (*known < 0)
        *known = meeting_bytes(meetings->schedule, op);
    return *known;
}

static void on_meet(void *context, const WalkMeeting *meeting) {
    Meetings *meetings = context;
    const Schedule *schedule = meetings->schedule;
    const Op *op = &schedule->ranks[meeting->ranks[0]].ops.items[meeting->items[0].op];
    int64_t place = meeting->exchange < 0 ? meeting->channel
                                          : schedule->channels.count + 2 * meeting->exchange +
                                                (op->kind == OP_combine);
    int64_t kind = op->kind == OP_recv ? (int64_t)OP_send : op->kind;
    int64_t bytes = bytes_of(meetings, op), number = meetings->met[place]++;
    IntList *ids = &meetings->matches_of[place];
    CertificateMatch *match = NULL;
    *(int64_t *)LIST_PUSH(meetings->scratch, &meetings->order) = place;
    for (int64_t i = 0; i < ids->count && !match; ++i) {
        CertificateMatch *each = &meetings->step->matching.items[ids->items[i]];
        if (each->kind == kind && each->microbatch == op->microbatch && each->bytes == bytes)
            match = each;
    }
    if (!match) {
        *(int64_t *)LIST_PUSH(meetings->scratch, ids) = meetings->step->matching.count;
        match = LIST_PUSH(meetings->arena, &meetings->step->matching);
        *match = (CertificateMatch){.place = place,
                                    .kind = kind,
                                    .microbatch = op->microbatch,
                                    .bytes = bytes,
                                    .sequence.begin = number};
    }
    ++match->count;
    match->sequence.end = number + 1;
}

/* How often the `period` places from `at` on come one after the other. */
static int64_t repeats(const IntList *order, int64_t at, int64_t period) {
    int64_t same = 0;
    while (at + period + same < order->count &&
           order->items[at + same] == order->items[at + period + same])
        ++same;
    return same / period + 1;
}

/* The period that covers most places from `at` on, and how often it comes; 0: nothing comes again. */
static int64_t best_period(const IntList *order, const int64_t *next, int64_t at, int64_t *times) {
    int64_t best = 0, candidate = at;
    *times = 1;
    for (int i = 0; i < PERIODS_TRIED && (candidate = next[candidate]) >= 0; ++i) {
        int64_t period = candidate - at, count = repeats(order, at, period);
        if (count > 1 && count * period > *times * best) {
            best = period;
            *times = count;
        }
    }
    return best;
}

static void copy_places(Arena *arena, CertificateBlock *block, const int64_t *places,
                        int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        *(int64_t *)LIST_PUSH(arena, &block->places) = places[i];
}

/* Blocks that come again, as long as can be, and between them what does not. */
static void fold_order(Meetings *meetings, int64_t places) {
    const IntList *order = &meetings->order;
    int64_t *next = ARENA_ARRAY(meetings->scratch, order->count + 1, int64_t);
    int64_t *seen = ARENA_ARRAY(meetings->scratch, places + 1, int64_t);
    CertificateBlock *single = NULL;
    memset(seen, 0xff, (size_t)places * sizeof *seen);
    for (int64_t i = order->count - 1; i >= 0; --i) {
        next[i] = seen[order->items[i]];
        seen[order->items[i]] = i;
    }
    for (int64_t at = 0; at < order->count;) {
        int64_t times, period = best_period(order, next, at, &times);
        if (period == 0 && single) {
            copy_places(meetings->arena, single, order->items + at++, 1);
            continue;
        }
        CertificateBlock *block = LIST_PUSH(meetings->arena, &meetings->step->order);
        block->repeat = times;
        copy_places(meetings->arena, block, order->items + at, period ? period : 1);
        single = period ? NULL : block;
        at += period ? times * period : 1;
    }
}

static bool make_order(Arena *arena, Arena *scratch, const Schedule *schedule, int64_t step,
                       CertificateStep *out) {
    int64_t places = schedule->channels.count + 2 * schedule->exchanges.count;
    Meetings meetings = {.schedule = schedule,
                         .arena = arena,
                         .scratch = scratch,
                         .met = ARENA_ARRAY(scratch, places + 1, int64_t),
                         .exchanged = ARENA_ARRAY(scratch, places + 1, int64_t),
                         .matches_of = ARENA_ARRAY(scratch, places + 1, IntList),
                         .step = out};
    WalkVisitor visitor = {.context = &meetings, .meet = on_meet};
    WalkStuck stuck;
    memset(meetings.exchanged, 0xff, (size_t)places * sizeof(int64_t));
    if (!walk_run(schedule, step, &visitor, scratch, &stuck))
        return false;
    fold_order(&meetings, places);
    return true;
}

/* --- intervals ---------------------------------------------------------------------------------------- */

/* The value that a buffer holds. */
typedef struct Value {
    Range at; /* first and last position */
    int64_t writer;
    bool held, read; /* since it was written last */
    LIST_OF(Range) past;
} Value;

static bool holds_values(const Buffer *buffer, int64_t step) {
    return buffer->class != BUFFER_WEIGHT && buffer->class != BUFFER_STATE &&
           (buffer->step < 0 || buffer->step == step);
}

/* Pieces that are received one after the other are one value. */
static bool joins(const RankSchedule *rank, const Value *value, int64_t op) {
    const Op *a = &rank->ops.items[value->writer], *b = &rank->ops.items[op];
    return value->held && !value->read && value->writer != op && a->kind == OP_recv &&
           b->kind == OP_recv && a->microbatch == b->microbatch;
}

static void touch(Arena *scratch, const RankSchedule *rank, Value *value, int64_t op,
                  int64_t position, bool reads, bool writes) {
    if (!reads && !joins(rank, value, op)) {
        if (value->held)
            *(Range *)LIST_PUSH(scratch, &value->past) = value->at;
        value->at.begin = position;
    }
    value->at.end = position;
    value->held = true;
    value->read = !writes;
    if (writes)
        value->writer = op;
}

/* Does the operation read, does it write the buffer? */
static void access_of(const Op *op, int64_t buffer, bool *reads, bool *writes) {
    const OpArg *args = op_info[op->kind].args;
    *reads = *writes = false;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        if (args[a].type == ARG_INT || op->args[a].value != buffer)
            continue;
        *reads |= args[a].type != ARG_WRITE;
        *writes |= args[a].type != ARG_READ;
    }
}

static void touch_op(Arena *scratch, const RankSchedule *rank, int64_t step, int64_t op,
                     int64_t position, Value *values) {
    const Op *of = &rank->ops.items[op];
    const OpArg *args = op_info[of->kind].args;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        int64_t buffer = of->args[a].value;
        bool reads, writes, before = false;
        if (args[a].type == ARG_INT || buffer < 0 ||
            !holds_values(&rank->buffers.items[buffer], step))
            continue;
        for (int b = 0; b < a; ++b)
            before |= args[b].type != ARG_INT && of->args[b].value == buffer;
        access_of(of, buffer, &reads, &writes);
        if (!before)
            touch(scratch, rank, &values[buffer], op, position, reads, writes);
    }
}

/* Those that are equally long and equally far apart become one, beginning with the first that is left. */
static void fold_intervals(Arena *arena, Range *at, int64_t count, CertificateBuffer *out) {
    for (int64_t i = 0; i < count; ++i) {
        if (at[i].end < 0)
            continue; /* told */
        CertificateInterval run = {at[i].begin, at[i].end, 1, 0};
        int64_t length = run.end - run.begin, best = 0;
        for (int64_t k = i + 1; k < count && k <= i + PERIODS_TRIED; ++k) {
            int64_t stride = at[k].begin - run.begin, times = 1;
            if (at[k].end < 0 || at[k].end - at[k].begin != length || stride <= length)
                continue;
            for (int64_t m = k, step = k - i;
                 m < count && at[m].end >= 0 && at[m].begin == run.begin + times * stride &&
                 at[m].end - at[m].begin == length;
                 m += step)
                ++times;
            if (times > run.repeat) {
                run.repeat = times;
                run.stride = stride;
                best = k - i;
            }
        }
        for (int64_t m = 0; m < run.repeat; ++m)
            at[i + m * best].end = -1;
        *(CertificateInterval *)LIST_PUSH(arena, &out->holds) = run;
    }
}

static void make_intervals(Arena *arena, Arena *scratch, const Schedule *schedule, int64_t step,
                           const Role *role, CertificateRole *out) {
    const RankSchedule *rank = &schedule->ranks[role->ranks.items[0]];
    Value *values = ARENA_ARRAY(scratch, rank->buffers.count + 1, Value);
    WalkCursor cursor = walk_begin(rank, step);
    WalkItem item;
    out->role = role->name;
    for (int64_t position = 0; walk_next(&cursor, &item); ++position)
        touch_op(scratch, rank, step, item.op, position, values);
    for (int64_t b = 0; b < rank->buffers.count; ++b) {
        if (!values[b].held)
            continue;
        *(Range *)LIST_PUSH(scratch, &values[b].past) = values[b].at;
        CertificateBuffer *buffer = LIST_PUSH(arena, &out->intervals);
        buffer->buffer = rank->buffers.items[b].name;
        fold_intervals(arena, values[b].past.items, values[b].past.count, buffer);
    }
}

Status certificate_make(Arena *arena, const Schedule *schedule, const char *plan_digest,
                        const char *schedule_digest, Certificate *certificate, Diag *diag) {
    *certificate = (Certificate){.schema_version = CERTIFICATE_SCHEMA_VERSION,
                                 .schedule_version = SCHEDULE_SCHEMA_VERSION,
                                 .plan_digest = plan_digest,
                                 .schedule_digest = schedule_digest};
    for (int64_t s = 0; s < schedule->steps.count; ++s) {
        Arena scratch = {0};
        CertificateStep *step = LIST_PUSH(arena, &certificate->steps);
        step->name = schedule->steps.items[s].name;
        bool ends = make_order(arena, &scratch, schedule, s, step);
        for (int64_t r = 0; ends && r < schedule->roles.count; ++r)
            make_intervals(arena, &scratch, schedule, s, &schedule->roles.items[r],
                           LIST_PUSH(arena, &step->roles));
        arena_free(&scratch);
        if (!ends) {
            diag_error(diag, diag_nowhere(), "E0594", "gen check tells which ranks wait for which",
                       "step %s: there is no order in which all ranks come to their end",
                       step->name);
            return STATUS_NEGATIVE;
        }
    }
    return STATUS_OK;
}

Status certificate_text(Arena *arena, const Schedule *schedule, Buf *out, Diag *diag) {
    Buf plan = {0}, text = {0};
    plan_write(schedule->plan, &plan);
    schedule_write(schedule, &text);
    const char *of_plan = plan_digest(arena, plan.data, plan.length);
    const char *of_schedule = plan_digest(arena, text.data, text.length);
    buf_free(&plan);
    buf_free(&text);
    Certificate certificate;
    TRY(certificate_make(arena, schedule, of_plan, of_schedule, &certificate, diag));
    certificate_write(&certificate, out);
    return STATUS_OK;
}
