/* trace_memory: lives of buffers as pairs of changes, sorted by time. Scratch is freed before return. */
#include "trace_memory.h"

#include "schedule/ledger.h"

#include <stdlib.h>

typedef struct Life {
    double begin, last; /* written; last used */
    bool alive, read;
} Life;

typedef struct Change {
    double at;
    int64_t order; /* of finding it: keeps the sort stable */
    int64_t class, bytes;
} Change;

typedef struct Tally {
    const RankSchedule *rank;
    Life *lives; /* [buffers] */
    LIST_OF(Change) changes;
    Arena *scratch;
} Tally;

static void change(Tally *tally, int64_t buffer, double at, int64_t sign) {
    const Buffer *of = &tally->rank->buffers.items[buffer];
    *(Change *)LIST_PUSH(tally->scratch, &tally->changes) =
        (Change){at, tally->changes.count, of->class, sign * of->bytes};
}

static void end_life(Tally *tally, int64_t buffer) {
    Life *life = &tally->lives[buffer];
    if (!life->alive)
        return;
    change(tally, buffer, life->begin, 1);
    change(tally, buffer, life->last, -1);
    *life = (Life){0};
}

static bool of_step(const Buffer *buffer) {
    return buffer->class == BUFFER_ACTIVATION || buffer->class == BUFFER_WINDOW;
}

/* An operation uses a buffer; a write after reads begins a new life. */
static void use(Tally *tally, int64_t buffer, ArgType type, const TimelineItem *item) {
    Life *life = &tally->lives[buffer];
    if (!of_step(&tally->rank->buffers.items[buffer]))
        return;
    if (type == ARG_WRITE && life->alive && life->read)
        end_life(tally, buffer);
    if (!life->alive)
        *life = (Life){.begin = item->begin, .alive = true};
    life->read = life->read || type != ARG_WRITE;
    life->last = item->end > life->last ? item->end : life->last;
}

static int by_time(const void *a, const void *b) {
    const Change *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void tell_rank(const Tally *tally, const LedgerRow *row,
                      void (*tell)(void *context, int64_t rank, double seconds,
                                   const MemoryLevel *level),
                      void *context) {
    MemoryLevel level = {.weights = row->weights, .state = row->state};
    for (int64_t i = 0; i < tally->changes.count; ++i) {
        const Change *at = &tally->changes.items[i];
        if (i == 0 && at->at > 0)
            tell(context, row->rank, 0, &level);
        *(at->class == BUFFER_WINDOW ? &level.windows : &level.activations) += at->bytes;
        if (i + 1 == tally->changes.count || tally->changes.items[i + 1].at > at->at)
            tell(context, row->rank, at->at, &level);
    }
    if (tally->changes.count == 0)
        tell(context, row->rank, 0, &level);
}

void trace_memory(const Schedule *schedule, const Timeline *line, int64_t only,
                  void (*tell)(void *context, int64_t rank, double seconds,
                               const MemoryLevel *level),
                  void *context) {
    Arena scratch = {0};
    Ledger ledger = ledger_make(&scratch, schedule);
    Tally *tallies = ARENA_ARRAY(&scratch, schedule->world, Tally);
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const RankSchedule *of = &schedule->ranks[rank];
        tallies[rank] = (Tally){.rank = of,
                                .lives = ARENA_ARRAY(&scratch, of->buffers.count, Life),
                                .scratch = &scratch};
    }
    for (int64_t i = 0; i < line->items.count; ++i) { /* by begin */
        const TimelineItem *item = &line->items.items[i];
        const Op *op = &schedule->ranks[item->rank].ops.items[item->op];
        for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a) {
            ArgType type = op_info[op->kind].args[a].type;
            if (type != ARG_INT && op->args[a].value >= 0)
                use(&tallies[item->rank], op->args[a].value, type, item);
        }
    }
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        if (only >= 0 && rank != only)
            continue;
        Tally *tally = &tallies[rank];
        for (int64_t b = 0; b < tally->rank->buffers.count; ++b)
            end_life(tally, b);
        if (tally->changes.count > 0)
            qsort(tally->changes.items, (size_t)tally->changes.count, sizeof(Change), by_time);
        tell_rank(tally, &ledger.rows[rank], tell, context);
    }
    arena_free(&scratch);
}
