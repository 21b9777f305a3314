/* check_provenance: follows what the bytes of moved buffers are made of. A kernel that computes
 * a part of a sum (heads or vocabulary cut over the group) leaves a value with one contributor;
 * reductions unite contributors, and refuse one that comes twice; gathers copy (check_reductions.c). What is read
 * in the end must be there and, where it is a sum, have a part of every member. Followed are buffers that are moved,
 * hold parts of sums or are written in part. */
#include "schedule/check_pieces.h"

/* --- setting up
 * --------------------------------------------------------------------------------------- */

static bool partial_linear(const Provenance *at, int64_t rank, const Op *op) {
    const RankSchedule *of = &at->check->schedule->ranks[rank];
    if (check_arg(op, "inputs") == at->check->model->heads * at->check->model->value_dim)
        return false;
    for (int64_t i = 0; i < of->holdings.count; ++i)
        if (of->holdings.items[i].buffer == check_arg(op, "weight") &&
            of->holdings.items[i].tensor == TENSOR_OUTPUT)
            return true;
    return false;
}

static bool partial_columns(const Provenance *at, int64_t rank, const Op *op) {
    const RankSchedule *of = &at->check->schedule->ranks[rank];
    for (int64_t i = 0; i < of->holdings.count; ++i) {
        const Holding *up = &of->holdings.items[i];
        if (up->buffer != check_arg(op, "up"))
            continue;
        bool dense = up->tensor == TENSOR_DENSE_UP;
        const Model *model = at->check->model;
        return check_arg(op, "columns") != (dense ? model->dense_hidden : model->shared_hidden);
    }
    return false;
}

/* Does the operation compute one rank's part of a sum over its group? Heads, vocabulary or experts are cut. */
static bool is_partial(const Provenance *at, int64_t rank, const Op *op) {
    if (op->kind == OP_linear)
        return partial_linear(at, rank, op);
    if (op->kind == OP_weighted_sum)
        return check_arg(op, "base") < 0;
    if (op->kind == OP_dense_ffn)
        return partial_columns(at, rank, op);
    if (op->kind == OP_norm_squares)
        return check_arg(op, "heads") != at->check->model->heads ||
               check_arg(op, "key_count") != at->check->model->kv_heads;
    return op->kind == OP_embed && check_arg(op, "entries") != at->check->model->vocabulary;
}

static void follow(Provenance *at, int64_t rank, int64_t buffer) {
    if (buffer < 0 || at->tracks[rank][buffer].pieces.count > 0)
        return;
    Track *track = &at->tracks[rank][buffer];
    const Buffer *of = &at->check->schedule->ranks[rank].buffers.items[buffer];
    *(Piece *)LIST_PUSH(at->check->scratch, &track->pieces) = (Piece){.end = of->bytes};
    *(int64_t *)LIST_PUSH(at->check->scratch, &at->followed[rank]) = buffer;
}

/* A buffer that an operation writes in part: the rest has to come from others. */
static void follow_parts(Provenance *at, int64_t rank, const Op *op) {
    const OpArg *args = op_info[op->kind].args;
    for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        int64_t buffer = op->args[a].value;
        if (args[a].type == ARG_INT || args[a].type == ARG_READ || buffer < 0)
            continue;
        const Buffer *of = &at->check->schedule->ranks[rank].buffers.items[buffer];
        if ((of->class == BUFFER_ACTIVATION || of->class == BUFFER_WINDOW) &&
            check_argument_bytes(at->check, rank, at->step, op, a) < of->bytes)
            follow(at, rank, buffer);
    }
}

static void follow_rank(Provenance *at, int64_t rank) {
    const RankSchedule *of = &at->check->schedule->ranks[rank];
    for (int64_t g = 0; g < of->steps[at->step].segments.count; ++g) {
        const Segment *segment = &of->steps[at->step].segments.items[g];
        for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
            const Op *op = &of->ops.items[i];
            if (op_info[op->kind].class == OPCLASS_COLLECTIVE)
                follow(at, rank, check_arg(op, "buffer"));
            else if (is_partial(at, rank, op))
                follow(at, rank, check_arg(op, "out"));
            else
                follow_parts(at, rank, op);
        }
    }
}

/* The members of a rank's group, NULL if it has none. */
static uint64_t *group_set(const Provenance *at, int64_t rank) {
    int64_t base;
    const PlanGroup *group = check_group(at->check, rank, &base, NULL);
    uint64_t *set = group ? ARENA_ARRAY(at->check->scratch, at->sums.words, uint64_t) : NULL;
    for (int64_t m = 0; group && m < group->members.count; ++m) {
        int64_t member = base + group->members.items[m].rank;
        set[member / 64] |= (uint64_t)1 << (member % 64);
    }
    return set;
}

Provenance *provenance_begin(Check *check, int64_t step) {
    int64_t world = check->schedule->world;
    Provenance *at = ARENA_NEW(check->scratch, Provenance);
    *at = (Provenance){.check = check, .step = step, .sums = sums_begin(check->scratch, world)};
    at->tracks = ARENA_ARRAY(check->scratch, world, Track *);
    at->followed = ARENA_ARRAY(check->scratch, world, IntList);
    at->alone = ARENA_ARRAY(check->scratch, world, const Sum *);
    at->group = ARENA_ARRAY(check->scratch, world, uint64_t *);
    at->reads = orders_begin(check, step);
    at->united = ARENA_ARRAY(check->scratch, at->sums.words, uint64_t);
    for (int64_t rank = 0; rank < world; ++rank) {
        at->tracks[rank] =
            ARENA_ARRAY(check->scratch, check->schedule->ranks[rank].buffers.count, Track);
        at->alone[rank] = sums_part(&at->sums, rank);
        at->group[rank] = group_set(at, rank);
        follow_rank(at, rank);
    }
    return at;
}

/* Are all pieces of a buffer as they were, and remember them. */
static bool track_recurs(const Provenance *at, Track *track) {
    bool same = track->before.count == track->pieces.count;
    for (int64_t i = 0; same && i < track->pieces.count; ++i) {
        const Piece *a = &track->before.items[i], *b = &track->pieces.items[i];
        same = a->begin == b->begin && a->end == b->end && a->valid == b->valid && a->sum == b->sum;
    }
    track->before.count = same ? track->before.count : 0;
    for (int64_t i = 0; !same && i < track->pieces.count; ++i)
        *(Piece *)LIST_PUSH(at->check->scratch, &track->before) = track->pieces.items[i];
    return same;
}

bool provenance_recurs(Provenance *at, int64_t rank) {
    bool same = true;
    for (int64_t i = 0; i < at->followed[rank].count; ++i)
        same = track_recurs(at, &at->tracks[rank][at->followed[rank].items[i]]) && same;
    return same;
}

/* --- kernels
 * ------------------------------------------------------------------------------------------ */

/* The first rank of the group whose part a sum lacks; the number of ranks if it lacks none. */
static int64_t absent_from(const Provenance *at, const Sum *sum, int64_t rank) {
    int64_t world = at->check->schedule->world;
    for (int64_t absent = 0; at->group[rank] && absent < world; ++absent)
        if (sums_has(at->group[rank], absent) && !sums_has(sum->from, absent))
            return absent;
    return world;
}

/* Let a failure tell where the last move of the bytes comes from. */
static void name_move(const Provenance *at, int64_t rank, const Track *track) {
    if (track->by)
        check_name(at->check, rank, at->step,
                   track->by - at->check->schedule->ranks[rank].ops.items);
}

void provenance_read(Provenance *at, int64_t rank, WalkItem item, int64_t buffer, int64_t begin,
                     int64_t end) {
    Check *check = at->check;
    const Track *track = &at->tracks[rank][buffer];
    const char *name = check->schedule->ranks[rank].buffers.items[buffer].name;
    bool sums = false;
    check_count(check, CHECK_GATHER, 1);
    for (int64_t i = pieces_at(&track->pieces, begin);
         i < track->pieces.count && track->pieces.items[i].begin < end; ++i) {
        const Piece *piece = &track->pieces.items[i];
        if (!piece->valid) {
            name_move(at, rank, track);
            check_fail(check, CHECK_GATHER, "a gather is missing, or gives other pieces",
                       "%s reads bytes [%lld, %lld) of %s%s, which no member has sent",
                       check_where(check, rank, at->step, item), (long long)piece->begin,
                       (long long)piece->end, name, pieces_name(at, track, piece->begin));
            return;
        }
        if (!piece->sum)
            continue;
        if (!sums_same_set(&at->sums, piece->sum->from, at->group[rank])) {
            name_move(at, rank, track);
            check_fail(check, CHECK_REDUCE, "a reduction is missing, or sums other pieces",
                       "%s reads bytes [%lld, %lld) of %s%s, a sum that lacks the part of rank "
                       "%lld",
                       check_where(check, rank, at->step, item), (long long)piece->begin,
                       (long long)piece->end, name, pieces_name(at, track, piece->begin),
                       (long long)absent_from(at, piece->sum, rank));
            return;
        }
        sums = true;
    }
    if (sums)
        orders_read(at, rank, item, buffer, begin, end);
}

/* What is written stays; the rest of the buffer is of before, and must come again from its
 * owners. */
static void write_range(Provenance *at, int64_t rank, int64_t buffer, Piece value) {
    Track *track = &at->tracks[rank][buffer];
    int64_t bytes = at->check->schedule->ranks[rank].buffers.items[buffer].bytes;
    pieces_assign(at, track, (Piece){.end = bytes});
    pieces_assign(at, track, value);
}

void provenance_local(Provenance *at, int64_t rank, WalkItem item) {
    const Op *op = check_op(at->check, rank, item.op);
    const OpArg *args = op_info[op->kind].args;
    bool partial = is_partial(at, rank, op);
    for (int pass = 0; pass < 2; ++pass) {
        for (int a = 0; a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
            int64_t buffer = op->args[a].value, begin = op->args[a].delta;
            if (args[a].type == ARG_INT || buffer < 0 || at->tracks[rank][buffer].pieces.count == 0)
                continue;
            int64_t bytes = check_argument_bytes(at->check, rank, at->step, op, a);
            if (bytes < 0 || (bytes == 0 && pass == 0))
                continue; /* writing no row voids the others all the same */
            if (pass == 0 && args[a].type != ARG_WRITE)
                provenance_read(at, rank, item, buffer, begin, begin + bytes);
            if (pass == 1 && args[a].type != ARG_READ)
                write_range(at, rank, buffer,
                            (Piece){begin, begin + bytes, true, partial ? at->alone[rank] : NULL});
        }
    }
}
