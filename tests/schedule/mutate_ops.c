/* mutate_ops: operators over the operations of a lowered schedule: on one rank, on all of its role, or on the like
 * operation of every rank. Ids that others wait for follow what is moved; order operators are tried with the waits as
 * they were and with waits made anew, so that a missing event does not hide what else the order breaks. */
#include "mutate_ops.h"

#include <string.h>

typedef enum Scope { ONE_RANK, ONE_ROLE, ALL_RANKS, SCOPES } Scope;
static const char *const scope_names[SCOPES] = {"one rank", "its role", "all ranks"};

/* The operation of another rank that is the same one by kind and number, -1 if there is none. */
static int64_t like_op(const Mutant *m, int64_t rank, int64_t op, int64_t other) {
    int64_t kind = mutate_op(m, rank, op)->kind, n = 0;
    for (int64_t i = 0; i < op; ++i)
        n += mutate_op(m, rank, i)->kind == kind;
    const RankSchedule *of = &m->schedule->ranks[other];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == kind && n-- == 0)
            return i;
    return -1;
}

static void edit_scope(Mutant *m, int64_t rank, int64_t op, int64_t variant, Scope scope,
                       OpEdit edit) {
    int64_t world = m->schedule->world, role = m->schedule->ranks[rank].role;
    int64_t *at = ARENA_ARRAY(m->arena, world, int64_t);
    for (int64_t r = 0; r < world; ++r) {
        bool same = m->schedule->ranks[r].role == role;
        at[r] = scope == ONE_RANK   ? (r == rank ? op : -1)
                : scope == ONE_ROLE ? (same ? op : -1)
                : same              ? op
                                    : like_op(m, rank, op, r);
    }
    for (int64_t r = 0; r < world; ++r)
        if (at[r] >= 0)
            edit(m, r, at[r], variant, true);
    mutate_fold(m->arena, m->schedule);
}

void mutate_each_op(Mutant *m, int64_t variants, OpEdit edit) {
    int64_t roles = m->schedule->roles.count;
    for (int64_t rank = 0; rank < m->schedule->world; ++rank) {
        int64_t in_role = m->schedule->roles.items[m->schedule->ranks[rank].role].ranks.count;
        for (int64_t op = 0; op < m->schedule->ranks[rank].ops.count; ++op)
            for (int64_t v = 0; v < variants; ++v)
                for (int scope = 0; scope < SCOPES; ++scope) {
                    if ((scope == ONE_ROLE && in_role == 1) || (scope == ALL_RANKS && roles == 1))
                        continue;
                    if (!edit(m, rank, op, v, false))
                        continue;
                    if (!mutate_here(m, "rank %lld op %lld %s, variant %lld, %s", (long long)rank,
                                     (long long)op, op_info[mutate_op(m, rank, op)->kind].name,
                                     (long long)v, scope_names[scope]))
                        continue;
                    edit_scope(m, rank, op, v, (Scope)scope, edit);
                    return;
                }
    }
}

/* --- order -------------------------------------------------------------------------------------------- */

/* Ids that are waited for after the operations have changed places: now[i] is where i is, -1: nowhere. */
static void follow_ids(RankSchedule *rank, const int64_t *now) {
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        int64_t *waits = rank->ops.items[i].waits, kept = 0;
        for (int w = 0; w < OP_WAITS; ++w)
            if (waits[w] >= 0 && now[waits[w]] >= 0)
                waits[kept++] = now[waits[w]];
        while (kept < OP_WAITS)
            waits[kept++] = -1;
    }
}

static int64_t *identity(Mutant *m, int64_t count) {
    int64_t *now = ARENA_ARRAY(m->arena, count + 1, int64_t);
    for (int64_t i = 0; i <= count; ++i)
        now[i] = i;
    return now;
}

static Segment *segment_of(const Mutant *m, int64_t rank, int64_t op) {
    RankSchedule *of = &m->schedule->ranks[rank];
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t g = 0; g < of->steps[s].segments.count; ++g) {
            Segment *segment = &of->steps[s].segments.items[g];
            if (segment->first <= op && op < segment->first + segment->count)
                return segment;
        }
    return NULL;
}

/* Operations [op, op + gone) become `come` of them, for the segments behind. */
static void shift_segments(Mutant *m, int64_t rank, int64_t op, int64_t more) {
    RankSchedule *of = &m->schedule->ranks[rank];
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t g = 0; g < of->steps[s].segments.count; ++g) {
            Segment *segment = &of->steps[s].segments.items[g];
            if (segment->first > op)
                segment->first += more;
            else if (op < segment->first + segment->count)
                segment->count += more;
        }
}

/* Waits anew in all roles, as lowering makes them. */
static void new_events(Mutant *m) {
    for (int64_t r = 0; r < m->schedule->world; ++r)
        for (int64_t i = 0; i < m->schedule->ranks[r].ops.count; ++i) {
            Op *op = mutate_op(m, r, i);
            op->records = false;
            for (int w = 0; w < OP_WAITS; ++w)
                op->waits[w] = -1;
        }
    mutate_fold(m->arena, m->schedule);
    schedule_events(m->arena, m->schedule);
}

static bool edit_drop(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    RankSchedule *of = &m->schedule->ranks[rank];
    if (!apply)
        return true;
    int64_t *now = identity(m, of->ops.count);
    for (int64_t i = op; i < of->ops.count; ++i)
        now[i] = i == op ? -1 : i - 1;
    MUTATE_DROP(&of->ops, op);
    shift_segments(m, rank, op, -1);
    follow_ids(of, now);
    return true;
}

static bool edit_double(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    RankSchedule *of = &m->schedule->ranks[rank];
    if (!apply)
        return true;
    int64_t *now = identity(m, of->ops.count);
    for (int64_t i = op; i < of->ops.count; ++i)
        now[i] = i + 1;
    MUTATE_DOUBLE(m->arena, &of->ops, op);
    shift_segments(m, rank, op, 1);
    follow_ids(of, now);
    return true;
}

/* Exchange two operations of a rank. */
static void swap_ops(Mutant *m, int64_t rank, int64_t a, int64_t b) {
    RankSchedule *of = &m->schedule->ranks[rank];
    int64_t *now = identity(m, of->ops.count);
    MUTATE_SWAP(Op, of->ops.items[a], of->ops.items[b]);
    now[a] = b;
    now[b] = a;
    follow_ids(of, now);
}

static bool in_segment(const Mutant *m, int64_t rank, int64_t a, int64_t b) {
    const Segment *segment = segment_of(m, rank, a);
    return segment && b >= segment->first && b < segment->first + segment->count;
}

static bool edit_swap(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    static const int64_t steps[] = {1, 1, 2, 3, 5};
    int64_t other = op + steps[variant];
    if (!in_segment(m, rank, op, other))
        return false;
    if (apply)
        swap_ops(m, rank, op, other);
    return true;
}

/* The next move on another channel; both on one rank change places. */
static bool edit_swap_moves(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    const RankSchedule *of = &m->schedule->ranks[rank];
    if (!walk_is_move(mutate_op(m, rank, op)))
        return false;
    for (int64_t i = op + 1; i < of->ops.count && in_segment(m, rank, op, i); ++i) {
        if (!walk_is_move(mutate_op(m, rank, i)) ||
            mutate_op(m, rank, i)->channel == mutate_op(m, rank, op)->channel)
            continue;
        if (apply)
            swap_ops(m, rank, op, i);
        return true;
    }
    return false;
}

/* To the front of its segment, or to its end. */
static bool edit_carry(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    const Segment *segment = segment_of(m, rank, op);
    int64_t to = !segment ? op : variant ? segment->first + segment->count - 1 : segment->first;
    if (to == op)
        return false;
    for (int64_t i = op; apply && i != to; i += variant ? 1 : -1)
        swap_ops(m, rank, i, variant ? i + 1 : i - 1);
    return true;
}

static void drop(Mutant *m) {
    mutate_each_op(m, 1, edit_drop);
}
static void twice(Mutant *m) {
    mutate_each_op(m, 1, edit_double);
}
static void swap(Mutant *m) {
    mutate_each_op(m, 5, edit_swap);
}
static void swap_moves(Mutant *m) {
    mutate_each_op(m, 1, edit_swap_moves);
}
static void carry(Mutant *m) {
    mutate_each_op(m, 2, edit_carry);
}

static void with_events(Mutant *m, void (*mutate)(Mutant *m)) {
    bool before = m->done;
    mutate(m);
    if (m->done && !before)
        new_events(m);
}
static void drop_anew(Mutant *m) {
    with_events(m, drop);
}
static void twice_anew(Mutant *m) {
    with_events(m, twice);
}
static void swap_anew(Mutant *m) {
    with_events(m, swap);
}
static void carry_anew(Mutant *m) {
    with_events(m, carry);
}

/* --- segments ----------------------------------------------------------------------------------------- */

static void each_segment(Mutant *m, int variants,
                         bool (*edit)(Mutant *m, RankStep *step, int64_t g, int variant,
                                      bool apply)) {
    for (int64_t role = 0; role < m->schedule->roles.count; ++role) {
        const IntList *ranks = &m->schedule->roles.items[role].ranks;
        for (int64_t s = 0; s < m->plan->steps.count; ++s)
            for (int64_t g = 0; g < m->schedule->ranks[ranks->items[0]].steps[s].segments.count;
                 ++g)
                for (int v = 0; v < variants; ++v)
                    for (int all = 0; all <= (ranks->count > 1); ++all) {
                        if (!edit(m, &m->schedule->ranks[ranks->items[0]].steps[s], g, v, false) ||
                            !mutate_here(m, "%s %lld, step %lld, segment %lld, variant %d",
                                         all ? "all ranks of role" : "first rank of role",
                                         (long long)role, (long long)s, (long long)g, v))
                            continue;
                        for (int64_t r = 0; r < (all ? ranks->count : 1); ++r)
                            edit(m, &m->schedule->ranks[ranks->items[r]].steps[s], g, v, true);
                        mutate_fold(m->arena, m->schedule);
                        return;
                    }
    }
}

static bool edit_layers(Mutant *m, RankStep *step, int64_t g, int variant, bool apply) {
    Range *layers = &step->segments.items[g].layers;
    if (apply)
        *(variant < 2 ? &layers->begin : &layers->end) += variant % 2 ? 1 : -1;
    return true;
}
static bool edit_no_segment(Mutant *m, RankStep *step, int64_t g, int variant, bool apply) {
    if (apply)
        MUTATE_DROP(&step->segments, g);
    return true;
}
static bool edit_segment_twice(Mutant *m, RankStep *step, int64_t g, int variant, bool apply) {
    if (apply)
        MUTATE_DOUBLE(m->arena, &step->segments, g);
    return true;
}
static bool edit_segments_swapped(Mutant *m, RankStep *step, int64_t g, int variant, bool apply) {
    if (g + 1 >= step->segments.count)
        return false;
    if (apply)
        MUTATE_SWAP(Segment, step->segments.items[g], step->segments.items[g + 1]);
    return true;
}
static bool edit_bounds(Mutant *m, RankStep *step, int64_t g, int variant, bool apply) {
    Segment *segment = &step->segments.items[g];
    if (apply) {
        segment->first += variant == 1;
        segment->count += variant == 0 || variant == 1 ? -1 : variant == 2 ? 1 : segment->count;
    }
    return true;
}
static void segment_layers(Mutant *m) {
    each_segment(m, 4, edit_layers);
}
static void no_segment(Mutant *m) {
    each_segment(m, 1, edit_no_segment);
}
static void segment_twice(Mutant *m) {
    each_segment(m, 1, edit_segment_twice);
}
static void segments_swapped(Mutant *m) {
    each_segment(m, 1, edit_segments_swapped);
}
static void segment_bounds(Mutant *m) {
    each_segment(m, 4, edit_bounds);
}

/* --- streams and events ------------------------------------------------------------------------------- */

static bool edit_stream(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        mutate_op(m, rank, op)->stream = (mutate_op(m, rank, op)->stream + 1 + variant) % 4;
    return true;
}

/* All of a channel, and the channel itself. */
static void channel_stream(Mutant *m) {
    for (int64_t c = 0; c < m->schedule->channels.count; ++c)
        for (int64_t other = 1; other < 4; ++other) {
            Channel *channel = &m->schedule->channels.items[c];
            if (!mutate_here(m, "channel %s, %lld streams on", channel->name, (long long)other))
                continue;
            channel->stream = (channel->stream + other) % 4;
            for (int64_t r = 0; r < m->schedule->world; ++r)
                for (int64_t i = 0; i < m->schedule->ranks[r].ops.count; ++i)
                    if (walk_is_move(mutate_op(m, r, i)) && mutate_op(m, r, i)->channel == c)
                        mutate_op(m, r, i)->stream = channel->stream;
            mutate_fold(m->arena, m->schedule);
            return;
        }
}

static bool edit_no_wait(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    int64_t *waits = mutate_op(m, rank, op)->waits;
    if (waits[variant] < 0)
        return false;
    for (int64_t w = variant; apply && w < OP_WAITS; ++w)
        waits[w] = w + 1 < OP_WAITS ? waits[w + 1] : -1;
    return true;
}

/* Another operation that records: the one before or behind. */
static bool edit_other_wait(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    int64_t *wait = &mutate_op(m, rank, op)->waits[variant / 2];
    int64_t way = variant % 2 ? 1 : -1, other = *wait + way;
    if (*wait < 0)
        return false;
    while (other >= 0 && other < m->schedule->ranks[rank].ops.count &&
           !mutate_op(m, rank, other)->records)
        other += way;
    if (other < 0 || other >= m->schedule->ranks[rank].ops.count)
        return false;
    if (apply)
        *wait = other;
    return true;
}

static bool edit_no_record(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    if (!of->records)
        return false;
    if (apply)
        of->records = false;
    return true;
}

/* What it waits for is recorded no longer, and nobody waits for it. */
static bool edit_no_event(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (!edit_no_record(m, rank, op, variant, apply))
        return false;
    int64_t *now = identity(m, m->schedule->ranks[rank].ops.count);
    now[op] = -1;
    if (apply)
        follow_ids(&m->schedule->ranks[rank], now);
    return true;
}

static void stream(Mutant *m) {
    mutate_each_op(m, 3, edit_stream);
}
static void no_wait(Mutant *m) {
    mutate_each_op(m, OP_WAITS, edit_no_wait);
}
static void other_wait(Mutant *m) {
    mutate_each_op(m, 2 * OP_WAITS, edit_other_wait);
}
static void no_record(Mutant *m) {
    mutate_each_op(m, 1, edit_no_record);
}
static void no_event(Mutant *m) {
    mutate_each_op(m, 1, edit_no_event);
}

static const MutantOperator operators[] = {
    {"op-drop", "an operation is left out", drop, NULL},
    {"op-drop-anew", "likewise, with waits made anew", drop_anew, NULL},
    {"op-twice", "an operation is executed twice", twice,
     "a gather made again, or positions written again, give the same"},
    {"op-twice-anew", "likewise, with waits made anew", twice_anew,
     "a gather made again, or positions written again, give the same"},
    {"op-swap", "two operations change places", swap,
     "what changes places does not depend on each other"},
    {"op-swap-anew", "likewise, with waits made anew", swap_anew,
     "what changes places does not depend on each other"},
    {"op-carry", "an operation goes to the front or the end of its segment", carry,
     "it passes only what it does not depend on"},
    {"op-carry-anew", "likewise, with waits made anew", carry_anew,
     "it passes only what it does not depend on"},
    {"moves-swap", "two moves on different channels change places", swap_moves,
     "they do not depend on each other, and all members agree"},
    {"segment-layers", "a segment begins or ends a layer off", segment_layers, NULL},
    {"segment-drop", "a segment is left out", no_segment, NULL},
    {"segment-twice", "a segment is executed twice", segment_twice, NULL},
    {"segment-swap", "two segments change places", segments_swapped,
     "what changes places does not depend on each other"},
    {"segment-bounds", "a segment begins or ends an operation off", segment_bounds, NULL},
    {"op-stream", "an operation is on another stream", stream, NULL},
    {"channel-stream", "a channel and all its moves are on another stream", channel_stream,
     "the waits that there are order it on that stream too"},
    {"wait-drop", "a wait is left out", no_wait,
     "other waits imply this one, or the bytes that are touched differ"},
    {"wait-other", "a wait is for another operation", other_wait,
     "what it waits for implies the other"},
    {"record-drop", "an event is waited for but not recorded", no_record, NULL},
    {"event-drop", "an event is neither recorded nor waited for", no_event,
     "other waits imply this one, or the bytes that are touched differ"},
};

const MutantTable mutate_ops_table = {OF_SCHEDULE, operators, sizeof operators / sizeof *operators};
