/* mutate_ops: operators over the operations of a lowered schedule: on one rank, on all of its role, or on the like
 * operation of every rank. Ids that others wait for follow what is moved; order operators are tried with the waits as
 * they were and with waits made anew, so that a missing event does not hide what else the order breaks. */
#include "mutate.h"

#include <string.h>

typedef enum Scope { ONE_RANK, ONE_ROLE, ALL_RANKS, SCOPES } Scope;
static const char *const scope_names[SCOPES] = {"one rank", "its role", "all ranks"};

/* Breaks operation `op` of a rank in the variant-th way; false: not possible there. Called to count with apply false. */
typedef bool (*OpEdit)(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply);

static Op *op_at(const Mutant *m, int64_t rank, int64_t op) {
    return &m->schedule->ranks[rank].ops.items[op];
}

/* The operation of another rank that is the same one by kind and number, -1 if there is none. */
static int64_t like_op(const Mutant *m, int64_t rank, int64_t op, int64_t other) {
    int64_t kind = op_at(m, rank, op)->kind, n = 0;
    for (int64_t i = 0; i < op; ++i)
        n += op_at(m, rank, i)->kind == kind;
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

static void each_op(Mutant *m, int64_t variants, OpEdit edit) {
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
                                     (long long)op, op_info[op_at(m, rank, op)->kind].name,
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
            Op *op = op_at(m, r, i);
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
    if (!walk_is_move(op_at(m, rank, op)))
        return false;
    for (int64_t i = op + 1; i < of->ops.count && in_segment(m, rank, op, i); ++i) {
        if (!walk_is_move(op_at(m, rank, i)) ||
            op_at(m, rank, i)->channel == op_at(m, rank, op)->channel)
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
    each_op(m, 1, edit_drop);
}
static void twice(Mutant *m) {
    each_op(m, 1, edit_double);
}
static void swap(Mutant *m) {
    each_op(m, 5, edit_swap);
}
static void swap_moves(Mutant *m) {
    each_op(m, 1, edit_swap_moves);
}
static void carry(Mutant *m) {
    each_op(m, 2, edit_carry);
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
        op_at(m, rank, op)->stream = (op_at(m, rank, op)->stream + 1 + variant) % 4;
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
                    if (walk_is_move(op_at(m, r, i)) && op_at(m, r, i)->channel == c)
                        op_at(m, r, i)->stream = channel->stream;
            mutate_fold(m->arena, m->schedule);
            return;
        }
}

static bool edit_no_wait(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    int64_t *waits = op_at(m, rank, op)->waits;
    if (waits[variant] < 0)
        return false;
    for (int64_t w = variant; apply && w < OP_WAITS; ++w)
        waits[w] = w + 1 < OP_WAITS ? waits[w + 1] : -1;
    return true;
}

/* Another operation that records: the one before or behind. */
static bool edit_other_wait(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    int64_t *wait = &op_at(m, rank, op)->waits[variant / 2];
    int64_t way = variant % 2 ? 1 : -1, other = *wait + way;
    if (*wait < 0)
        return false;
    while (other >= 0 && other < m->schedule->ranks[rank].ops.count &&
           !op_at(m, rank, other)->records)
        other += way;
    if (other < 0 || other >= m->schedule->ranks[rank].ops.count)
        return false;
    if (apply)
        *wait = other;
    return true;
}

static bool edit_no_record(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
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
    each_op(m, 3, edit_stream);
}
static void no_wait(Mutant *m) {
    each_op(m, OP_WAITS, edit_no_wait);
}
static void other_wait(Mutant *m) {
    each_op(m, 2 * OP_WAITS, edit_other_wait);
}
static void no_record(Mutant *m) {
    each_op(m, 1, edit_no_record);
}
static void no_event(Mutant *m) {
    each_op(m, 1, edit_no_event);
}

/* --- arguments ---------------------------------------------------------------------------------------- */

static ArgType arg_type(const Op *op, int64_t arg) {
    for (int i = 0; i <= arg; ++i)
        if (op_info[op->kind].args[i].type == ARG_NONE)
            return ARG_NONE;
    return op_info[op->kind].args[arg].type;
}

static bool is_buffer(const Op *op, int64_t arg) {
    return arg_type(op, arg) != ARG_NONE && arg_type(op, arg) != ARG_INT &&
           op->args[arg].value >= 0;
}

enum { OTHERS = 4 };

/* Another buffer of the same class and step: the n-th behind, around. */
static bool edit_buffer(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    int64_t arg = variant / OTHERS, n = variant % OTHERS;
    const RankSchedule *at = &m->schedule->ranks[rank];
    if (!is_buffer(of, arg))
        return false;
    const Buffer *is = &at->buffers.items[of->args[arg].value];
    for (int64_t i = 1; i < at->buffers.count; ++i) {
        int64_t other = (of->args[arg].value + i) % at->buffers.count;
        const Buffer *to = &at->buffers.items[other];
        if (to->class != is->class || to->step != is->step || to->bytes < is->bytes || n-- > 0)
            continue;
        if (apply)
            of->args[arg].value = other;
        return true;
    }
    return false;
}

/* The buffer of the same name of another micro-batch. */
static int64_t sister(const Mutant *m, int64_t rank, int64_t buffer) {
    const RankSchedule *at = &m->schedule->ranks[rank];
    const Buffer *is = &at->buffers.items[buffer];
    const char *end = strrchr(is->name, '_');
    for (int64_t i = 0; end && i < at->buffers.count; ++i) {
        const char *name = at->buffers.items[i].name, *last = strrchr(name, '_');
        if (i != buffer && last && end[1] == 'm' && last[1] == 'm' &&
            end - is->name == last - name && strncmp(name, is->name, (size_t)(last - name)) == 0)
            return i;
    }
    return -1;
}

static bool edit_sister(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    if (!is_buffer(of, variant) || sister(m, rank, of->args[variant].value) < 0)
        return false;
    if (apply)
        of->args[variant].value = sister(m, rank, of->args[variant].value);
    return true;
}

/* All its buffers. */
static bool edit_sisters(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    bool any = false;
    for (int a = 0; a < OP_ARGS; ++a)
        any = edit_sister(m, rank, op, a, apply) || any;
    return any;
}

static bool edit_absent(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    if (!is_buffer(of, variant))
        return false;
    if (apply)
        of->args[variant] = (OpValue){-1, 0};
    return true;
}

/* A row, an element or a page on or back. */
static bool edit_delta(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    int64_t row = m->plan->inputs.model.hidden * element_bytes(m->plan->inputs.workload.dtype);
    const int64_t by[] = {row, -row, 4, -4};
    int64_t arg = variant / 4;
    if (!is_buffer(of, arg) || of->args[arg].delta + by[variant % 4] < 0)
        return false;
    if (apply)
        of->args[arg].delta += by[variant % 4];
    return true;
}

static bool edit_number(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    int64_t arg = variant / 3, has = of->args[arg].value;
    const int64_t to[] = {has + 1, has - 1, 0};
    if (arg_type(of, arg) != ARG_INT || to[variant % 3] < 0 || to[variant % 3] == has)
        return false;
    if (apply)
        of->args[arg].value = to[variant % 3];
    return true;
}

/* Two buffers that the operation has change places. */
static bool edit_swap_args(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    int64_t a = variant / OP_ARGS, b = variant % OP_ARGS;
    if (a >= b || !is_buffer(of, a) || !is_buffer(of, b) || of->args[a].value == of->args[b].value)
        return false;
    if (apply)
        MUTATE_SWAP(OpValue, of->args[a], of->args[b]);
    return true;
}

static void buffer(Mutant *m) {
    each_op(m, OP_ARGS * OTHERS, edit_buffer);
}
static void stale(Mutant *m) {
    each_op(m, OP_ARGS, edit_sister);
}
static void other_microbatch(Mutant *m) {
    each_op(m, 1, edit_sisters);
}
static void absent(Mutant *m) {
    each_op(m, OP_ARGS, edit_absent);
}
static void delta(Mutant *m) {
    each_op(m, OP_ARGS * 4, edit_delta);
}
static void number(Mutant *m) {
    each_op(m, OP_ARGS * 3, edit_number);
}
static void swap_args(Mutant *m) {
    each_op(m, OP_ARGS * OP_ARGS, edit_swap_args);
}

/* --- what the operation is ---------------------------------------------------------------------------- */

static bool edit_lag(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        op_at(m, rank, op)->lag += variant ? 1 : -1;
    return op_at(m, rank, op)->per_layer;
}
static bool edit_per_layer(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        op_at(m, rank, op)->per_layer = !op_at(m, rank, op)->per_layer;
    return true;
}
static bool edit_microbatch(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        op_at(m, rank, op)->microbatch += variant ? 1 : -1;
    return true;
}
static bool edit_part(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        op_at(m, rank, op)->part = (op_at(m, rank, op)->part + 1 + variant) % (PART_TOKENS + 1);
    return true;
}

/* Another collective, the other end of a pair, the other half of an exchange. */
static bool edit_kind(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    static const OpKind others[][2] = {{OP_all_reduce, OP_all_gather},
                                       {OP_all_reduce, OP_reduce_scatter},
                                       {OP_all_gather, OP_all_reduce},
                                       {OP_all_gather, OP_reduce_scatter},
                                       {OP_reduce_scatter, OP_all_gather},
                                       {OP_reduce_scatter, OP_all_reduce},
                                       {OP_send, OP_recv},
                                       {OP_recv, OP_send},
                                       {OP_rope_append, OP_append}};
    Op *of = op_at(m, rank, op);
    if (variant >= (int64_t)(sizeof others / sizeof *others) ||
        of->kind != (int64_t)others[variant][0])
        return false;
    if (apply)
        of->kind = others[variant][1];
    return true;
}

/* Another channel of the same sort that the rank is a member of. */
static bool edit_channel(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    if (!walk_is_move(of))
        return false;
    const Channel *is = &m->schedule->channels.items[of->channel];
    for (int64_t c = 0, n = variant; c < m->schedule->channels.count; ++c) {
        const Channel *to = &m->schedule->channels.items[c];
        bool member = false;
        for (int64_t i = 0; i < to->ranks.count; ++i)
            member = member || to->ranks.items[i] == rank;
        if (c == of->channel || !member || to->is_exchange != is->is_exchange ||
            to->is_pair != is->is_pair || n-- > 0)
            continue;
        if (apply) {
            of->channel = c;
            of->stream = to->stream;
        }
        return true;
    }
    return false;
}

static bool edit_exchange(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = op_at(m, rank, op);
    int64_t to = of->exchange + (variant ? 1 : -1);
    if (of->exchange < 0 || to < 0 || to >= m->schedule->exchanges.count)
        return false;
    if (apply)
        of->exchange = to;
    return true;
}

static void lag(Mutant *m) {
    each_op(m, 2, edit_lag);
}
static void per_layer(Mutant *m) {
    each_op(m, 1, edit_per_layer);
}
static void microbatch(Mutant *m) {
    each_op(m, 2, edit_microbatch);
}
static void part(Mutant *m) {
    each_op(m, PART_TOKENS, edit_part);
}
static void kind(Mutant *m) {
    each_op(m, 9, edit_kind);
}
static void channel(Mutant *m) {
    each_op(m, 3, edit_channel);
}
static void exchange(Mutant *m) {
    each_op(m, 2, edit_exchange);
}

static const MutantOperator operators[] = {
    {"op-drop", "an operation is left out", drop},
    {"op-drop-anew", "likewise, with waits made anew", drop_anew},
    {"op-twice", "an operation is executed twice", twice},
    {"op-twice-anew", "likewise, with waits made anew", twice_anew},
    {"op-swap", "two operations change places", swap},
    {"op-swap-anew", "likewise, with waits made anew", swap_anew},
    {"op-carry", "an operation goes to the front or the end of its segment", carry},
    {"op-carry-anew", "likewise, with waits made anew", carry_anew},
    {"moves-swap", "two moves on different channels change places", swap_moves},
    {"segment-layers", "a segment begins or ends a layer off", segment_layers},
    {"segment-drop", "a segment is left out", no_segment},
    {"segment-twice", "a segment is executed twice", segment_twice},
    {"segment-swap", "two segments change places", segments_swapped},
    {"segment-bounds", "a segment begins or ends an operation off", segment_bounds},
    {"op-stream", "an operation is on another stream", stream},
    {"channel-stream", "a channel and all its moves are on another stream", channel_stream},
    {"wait-drop", "a wait is left out", no_wait},
    {"wait-other", "a wait is for another operation", other_wait},
    {"record-drop", "an event is waited for but not recorded", no_record},
    {"event-drop", "an event is neither recorded nor waited for", no_event},
    {"arg-buffer", "an argument is another buffer of its class", buffer},
    {"arg-stale", "an argument is the buffer of another micro-batch, such as its counts", stale},
    {"arg-microbatch", "all arguments are those of another micro-batch", other_microbatch},
    {"arg-absent", "an argument is absent", absent},
    {"arg-delta", "an argument begins a row or an element off", delta},
    {"arg-number", "a number is one off or 0, such as a collective's size", number},
    {"arg-swap", "two arguments change places", swap_args},
    {"op-lag", "an operation works on a layer too early or too late", lag},
    {"op-per-layer", "an operation of a layer is outside layers, or the reverse", per_layer},
    {"op-microbatch", "an operation belongs to another micro-batch", microbatch},
    {"op-part", "an operation belongs to another part", part},
    {"op-kind", "a collective of another kind, or the other end of a pair", kind},
    {"op-channel", "a move is on another channel of the rank", channel},
    {"op-exchange", "a move or kernel is of another exchange", exchange},
};

const MutantTable mutate_ops_table = {OF_SCHEDULE, operators, sizeof operators / sizeof *operators};
