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

bool walk_at_edge(const WalkCursor *cursor) {
    return cursor->segment >= cursor->step->segments.count || cursor->index == 0 ||
           cursor->index >= cursor->step->segments.items[cursor->segment].count;
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

/* Where a rank was at the end of a phase of a folded run. */
typedef struct Stand {
    int64_t segment, layer, index, place;
} Stand;

/* Ranks that met in a phase: by how many rounds all of them may go on, how long they all have recurred, and how far they
 * are apart. */
typedef struct Tree {
    int64_t rounds, recurred;
    Range layers; /* [first, last] */
} Tree;

typedef struct Run {
    const Schedule *schedule;
    const WalkVisitor *visitor;
    Place *places;       /* [channels + 2 x exchanges] */
    WalkCursor *cursors; /* [world] */
    WalkItem *at;        /* [world] the move that a rank waits at */
    int64_t *place;      /* [world] its place, -1: it runs, is held or has ended */
    WalkItem *items;     /* [world] scratch of one meeting */
    bool folded, progress;
    /* Of a folded run, [world] each: */
    bool *may_cross; /* it may begin one more round in this phase */
    Stand *stands;   /* at the end of the phase before */
    int64_t *with; /* another rank that it met in this phase, or itself: trees of those that met */
    int64_t *recurred; /* phases in a row in which it came back to where it was, a round further */
    Tree *trees;       /* of roots */
    int64_t lag;       /* the greatest of any operation */
} Run;

static int64_t place_of(const Run *run, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE)
        return run->schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine);
    return op->channel;
}

static Run run_begin(const Schedule *schedule, int64_t step, const WalkVisitor *visitor,
                     Arena *scratch) {
    Run run = {.schedule = schedule, .visitor = visitor};
    run.may_cross = ARENA_ARRAY(scratch, schedule->world, bool);
    run.stands = ARENA_ARRAY(scratch, schedule->world, Stand);
    run.with = ARENA_ARRAY(scratch, schedule->world, int64_t);
    run.recurred = ARENA_ARRAY(scratch, schedule->world, int64_t);
    run.trees = ARENA_ARRAY(scratch, schedule->world, Tree);
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        for (int64_t i = 0; i < schedule->ranks[rank].ops.count; ++i)
            run.lag = schedule->ranks[rank].ops.items[i].lag > run.lag
                          ? schedule->ranks[rank].ops.items[i].lag
                          : run.lag;
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

static int64_t root_of(const Run *run, int64_t rank) {
    while (run->with[rank] != rank)
        rank = run->with[rank] = run->with[run->with[rank]];
    return rank;
}

static void meet(Run *run, int64_t index, const Op *op) {
    Place *place = &run->places[index];
    for (int64_t i = 0; i < place->ranks.count; ++i) {
        run->items[i] = run->at[place->ranks.items[i]];
        run->place[place->ranks.items[i]] = -1;
        if (run->folded)
            run->with[root_of(run, place->ranks.items[i])] = root_of(run, place->ranks.items[0]);
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

/* May the rank go on? In each phase of a folded run it begins one round at most. */
static bool may_go_on(Run *run, int64_t rank) {
    if (!run->folded || !walk_at_edge(&run->cursors[rank]))
        return true;
    bool may = run->may_cross[rank];
    run->may_cross[rank] = false;
    return may;
}

/* Let a rank run until it has to wait; ranks that it set free are pushed on the stack. */
static void advance(Run *run, int64_t rank, int64_t *stack, int64_t *depth) {
    WalkItem item;
    while (may_go_on(run, rank) && walk_next(&run->cursors[rank], &item)) {
        run->progress = true;
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

/* --- folded runs
 * --------------------------------------------------------------------------------------- */

static Stand stand_of(const Run *run, int64_t rank) {
    const WalkCursor *cursor = &run->cursors[rank];
    return (Stand){cursor->segment, cursor->layer, cursor->index, run->place[rank]};
}

/* Is the rank where it was at the end of the phase before, a round further? Not asked of one that stood still. */
static bool recurs(const Run *run, int64_t rank) {
    const Stand *before = &run->stands[rank];
    Stand now = stand_of(run, rank);
    bool same = !run->visitor->recurs || run->visitor->recurs(run->visitor->context, rank);
    return same && now.segment == before->segment && now.index == before->index &&
           now.place == before->place && now.layer == before->layer + 1 &&
           now.segment < run->cursors[rank].step->segments.count;
}

static bool stood_still(const Run *run, int64_t rank) {
    Stand now = stand_of(run, rank);
    return memcmp(&now, &run->stands[rank], sizeof now) == 0;
}

/* What all ranks of a tree have in common. */
static void grow_tree(Run *run, int64_t rank) {
    Tree *tree = &run->trees[root_of(run, rank)];
    const WalkCursor *cursor = &run->cursors[rank];
    int64_t left = 0;
    run->recurred[rank] =
        !stood_still(run, rank) && recurs(run, rank) ? run->recurred[rank] + 1 : 0;
    if (run->recurred[rank] > 0)
        left = cursor->step->segments.items[cursor->segment].layers.end - 1 - cursor->layer;
    tree->rounds = left < tree->rounds ? left : tree->rounds;
    tree->recurred = run->recurred[rank] < tree->recurred ? run->recurred[rank] : tree->recurred;
    tree->layers.begin = cursor->layer < tree->layers.begin ? cursor->layer : tree->layers.begin;
    tree->layers.end = cursor->layer > tree->layers.end ? cursor->layer : tree->layers.end;
}

/* By how many rounds may all ranks of a tree go on? They have to recur for so long that all of them have been through
 * some layer since: then what visitors compare between ranks, layer by layer, they have seen of what recurs. */
static int64_t rounds_of(const Run *run, const Tree *tree) {
    int64_t apart = tree->layers.end - tree->layers.begin + run->lag;
    return tree->recurred >= apart + 2 ? tree->rounds : 0;
}

/* The end of a phase: take ranks that met none but each other on by the rounds that all of them have left. */
static void fold(Run *run) {
    int64_t world = run->schedule->world;
    for (int64_t rank = 0; rank < world; ++rank)
        run->trees[rank] = (Tree){INT64_MAX, INT64_MAX, {INT64_MAX, INT64_MIN}};
    for (int64_t rank = 0; rank < world; ++rank)
        grow_tree(run, rank);
    for (int64_t rank = 0; rank < world; ++rank) {
        int64_t rounds = rounds_of(run, &run->trees[root_of(run, rank)]);
        run->cursors[rank].layer += rounds;
        if (run->place[rank] >= 0 && run->at[rank].layer >= 0)
            run->at[rank].layer += rounds;
    }
    for (int64_t rank = 0; rank < world; ++rank) {
        run->stands[rank] = stand_of(run, rank);
        run->with[rank] = rank;
        run->may_cross[rank] = true;
    }
}

/* All ranks go on until each has ended, waits or is held. */
static void run_phase(Run *run, int64_t *stack) {
    int64_t depth = 0;
    run->progress = false;
    for (int64_t rank = run->schedule->world - 1; rank >= 0; --rank)
        if (run->place[rank] < 0)
            stack[depth++] = rank;
    while (depth > 0)
        advance(run, stack[--depth], stack, &depth);
}

static bool run_all(const Schedule *schedule, int64_t step, const WalkVisitor *visitor, bool folded,
                    Arena *scratch, WalkStuck *stuck) {
    Run run = run_begin(schedule, step, visitor, scratch);
    int64_t *stack = ARENA_ARRAY(scratch, 2 * schedule->world, int64_t);
    *stuck = (WalkStuck){0};
    run.folded = folded;
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        run.stands[rank] = stand_of(&run, rank);
        run.with[rank] = rank;
        run.may_cross[rank] = true;
    }
    for (run_phase(&run, stack); folded && run.progress; run_phase(&run, stack))
        fold(&run);
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        if (run.place[rank] < 0)
            continue;
        if (!find_ended(&run, scratch, stuck))
            find_cycle(&run, scratch, stuck);
        return false;
    }
    return true;
}

bool walk_run(const Schedule *schedule, int64_t step, const WalkVisitor *visitor, Arena *scratch,
              WalkStuck *stuck) {
    return run_all(schedule, step, visitor, false, scratch, stuck);
}

bool walk_run_folded(const Schedule *schedule, int64_t step, const WalkVisitor *visitor,
                     Arena *scratch, WalkStuck *stuck) {
    return run_all(schedule, step, visitor, true, scratch, stuck);
}
