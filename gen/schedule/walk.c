/* walk: cursors and the rendezvous of all ranks. Its tables lie in the caller's scratch arena.
 * It knows neither times nor rules: visitors do. */
#include "schedule/walk.h"

#include <string.h>

WalkCursor walk_begin(const RankSchedule *rank, int64_t step) {
    const RankStep *of = &rank->steps[step];
    int64_t layer = of->segments.count > 0 ? of->segments.items[0].layers.begin : 0;
    return (WalkCursor){.rank = rank, .step = of, .layer = layer};
}

bool walk_next(WalkCursor *cursor, WalkItem *item) {
    while (cursor->segment < cursor->step->segments.count) {
        const Segment *segment = &cursor->step->segments.items[cursor->segment];
        if (cursor->layer < segment->layers.end && cursor->index < segment->count) {
            item->op = segment->first + cursor->index++;
            item->layer = op_layer(&cursor->rank->ops.items[item->op], cursor->layer);
            return true;
        }
        cursor->index = 0;
        if (++cursor->layer >= segment->layers.end &&
            ++cursor->segment < cursor->step->segments.count)
            cursor->layer = cursor->step->segments.items[cursor->segment].layers.begin;
    }
    return false;
}

IntList walk_exchange_ranks(Arena *arena, const Exchange *exchange) {
    IntList ranks = {0};
    int64_t s = 0, t = 0;
    while (s < exchange->sources.count || t < exchange->targets.count) {
        int64_t source = s < exchange->sources.count ? exchange->sources.items[s].rank : INT64_MAX;
        int64_t target = t < exchange->targets.count ? exchange->targets.items[t].rank : INT64_MAX;
        int64_t rank = source < target ? source : target;
        s += source == rank;
        t += target == rank;
        *(int64_t *)LIST_PUSH(arena, &ranks) = rank;
    }
    return ranks;
}

/* --- the run
 * ------------------------------------------------------------------------------------------ */

/* Where ranks meet: one place a channel of collectives, two an exchange (dispatch and combine). */
typedef struct Place {
    IntList ranks;
    int64_t arrived;
} Place;

typedef struct Run {
    const Schedule *schedule;
    const WalkVisitor *visitor;
    Place *places;       /* [channels + 2 x exchanges] */
    WalkCursor *cursors; /* [world] */
    WalkItem *at;        /* [world] the move that a rank waits at */
    int64_t *place;      /* [world] its place, -1: it runs or has ended */
    WalkItem *items;     /* [world] scratch of one meeting */
} Run;

static int64_t place_of(const Run *run, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE)
        return run->schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine);
    return op->channel;
}

static Run run_begin(const Schedule *schedule, int64_t step, const WalkVisitor *visitor,
                     Arena *scratch) {
    Run run = {.schedule = schedule, .visitor = visitor};
    int64_t channels = schedule->channels.count, exchanges = schedule->exchanges.count;
    run.places = ARENA_ARRAY(scratch, channels + 2 * exchanges, Place);
    for (int64_t i = 0; i < channels; ++i)
        run.places[i].ranks = schedule->channels.items[i].ranks;
    for (int64_t i = 0; i < exchanges; ++i) {
        IntList ranks = walk_exchange_ranks(scratch, &schedule->exchanges.items[i]);
        run.places[channels + 2 * i].ranks = ranks;
        run.places[channels + 2 * i + 1].ranks = ranks;
    }
    run.cursors = ARENA_ARRAY(scratch, schedule->world, WalkCursor);
    run.at = ARENA_ARRAY(scratch, schedule->world, WalkItem);
    run.place = ARENA_ARRAY(scratch, schedule->world, int64_t);
    run.items = ARENA_ARRAY(scratch, schedule->world, WalkItem);
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        run.cursors[rank] = walk_begin(&schedule->ranks[rank], step);
        run.place[rank] = -1;
    }
    return run;
}

static void meet(Run *run, int64_t index, const Op *op) {
    Place *place = &run->places[index];
    for (int64_t i = 0; i < place->ranks.count; ++i) {
        run->items[i] = run->at[place->ranks.items[i]];
        run->place[place->ranks.items[i]] = -1;
    }
    place->arrived = 0;
    bool exchange = op_info[op->kind].class == OPCLASS_EXCHANGE;
    WalkMeeting meeting = {.channel = op->channel,
                           .exchange = exchange ? op->exchange : -1,
                           .count = place->ranks.count,
                           .ranks = place->ranks.items,
                           .items = run->items};
    if (run->visitor->meet)
        run->visitor->meet(run->visitor->context, &meeting);
}

/* Let a rank run until it has to wait; ranks that it set free are pushed on the stack. */
static void advance(Run *run, int64_t rank, int64_t *stack, int64_t *depth) {
    WalkItem item;
    while (walk_next(&run->cursors[rank], &item)) {
        const Op *op = &run->schedule->ranks[rank].ops.items[item.op];
        if (!walk_is_move(op)) {
            if (run->visitor->local)
                run->visitor->local(run->visitor->context, rank, item);
            continue;
        }
        int64_t index = place_of(run, op);
        Place *place = &run->places[index];
        run->at[rank] = item;
        run->place[rank] = index;
        if (++place->arrived < place->ranks.count)
            return;
        meet(run, index, op);
        for (int64_t i = place->ranks.count - 1; i >= 0; --i)
            if (place->ranks.items[i] != rank)
                stack[(*depth)++] = place->ranks.items[i];
    }
}

/* --- counterexamples
 * ---------------------------------------------------------------------------------- */

static WalkWait wait_of(const Run *run, int64_t rank, int64_t awaited) {
    return (WalkWait){
        .rank = rank, .item = run->at[rank], .awaited = awaited, .ended = run->place[awaited] < 0};
}

/* Breadth-first from `start` over "waits for" until it comes back; parent[] tells the way.
 * Returns the length of the cycle, 0 if there is none. */
static int64_t cycle_from(const Run *run, int64_t start, int64_t *parent, int64_t *queue,
                          int64_t *last) {
    int64_t world = run->schedule->world, head = 0, tail = 0;
    int64_t *depth = queue + world;
    for (int64_t i = 0; i < world; ++i)
        parent[i] = -1;
    queue[tail++] = start;
    depth[start] = 1;
    while (head < tail) {
        int64_t rank = queue[head++];
        const IntList *members = &run->places[run->place[rank]].ranks;
        for (int64_t i = 0; i < members->count; ++i) {
            int64_t next = members->items[i];
            if (run->place[next] == run->place[rank] || run->place[next] < 0)
                continue;
            if (next == start) {
                *last = rank;
                return depth[rank];
            }
            if (parent[next] < 0) {
                parent[next] = rank;
                depth[next] = depth[rank] + 1;
                queue[tail++] = next;
            }
        }
    }
    return 0;
}

/* A wait for a rank that has ended, which explains more than any cycle. */
static bool find_ended(const Run *run, Arena *scratch, WalkStuck *stuck) {
    for (int64_t rank = 0; rank < run->schedule->world; ++rank) {
        if (run->place[rank] < 0)
            continue;
        const IntList *members = &run->places[run->place[rank]].ranks;
        for (int64_t i = 0; i < members->count; ++i) {
            if (run->place[members->items[i]] < 0) {
                *(WalkWait *)LIST_PUSH(scratch, &stuck->waits) =
                    wait_of(run, rank, members->items[i]);
                return true;
            }
        }
    }
    return false;
}

static void find_cycle(const Run *run, Arena *scratch, WalkStuck *stuck) {
    int64_t world = run->schedule->world, best = 0, best_last = -1;
    int64_t *parent = ARENA_ARRAY(scratch, world, int64_t);
    int64_t *best_parent = ARENA_ARRAY(scratch, world, int64_t);
    int64_t *queue = ARENA_ARRAY(scratch, 2 * world, int64_t);
    for (int64_t rank = 0; rank < world; ++rank) {
        int64_t last;
        if (run->place[rank] < 0)
            continue;
        int64_t length = cycle_from(run, rank, parent, queue, &last);
        if (length > 0 && (best == 0 || length < best)) {
            best = length;
            best_last = last;
            memcpy(best_parent, parent, (size_t)world * sizeof *parent);
        }
    }
    int64_t *path = ARENA_ARRAY(scratch, best + 1, int64_t);
    for (int64_t i = best - 1, rank = best_last; i >= 0; --i, rank = best_parent[rank])
        path[i] = rank;
    for (int64_t i = 0; i < best; ++i)
        *(WalkWait *)LIST_PUSH(scratch, &stuck->waits) =
            wait_of(run, path[i], path[(i + 1) % best]);
}

bool walk_run(const Schedule *schedule, int64_t step, const WalkVisitor *visitor, Arena *scratch,
              WalkStuck *stuck) {
    Run run = run_begin(schedule, step, visitor, scratch);
    int64_t *stack = ARENA_ARRAY(scratch, 2 * schedule->world, int64_t), depth = 0;
    *stuck = (WalkStuck){0};
    for (int64_t rank = schedule->world - 1; rank >= 0; --rank)
        stack[depth++] = rank;
    while (depth > 0)
        advance(&run, stack[--depth], stack, &depth);
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        if (run.place[rank] < 0)
            continue;
        if (!find_ended(&run, scratch, stuck))
            find_cycle(&run, scratch, stuck);
        return false;
    }
    return true;
}
