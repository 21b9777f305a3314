/* check_provenance: follows what the bytes of moved buffers are made of. A kernel that computes
 * a part of a sum (heads or vocabulary cut over the group) leaves a value with one contributor;
 * reductions unite contributors, and refuse one that comes twice; gathers copy. What is read in
 * the end must be there and, where it is a sum, have a part of every member. Followed are
 * buffers that are moved, hold parts of sums or are written in part; contributor sets are never
 * changed once made, so that pieces share them. */
#include "schedule/check_rules.h"

#include <string.h>

/* What [begin, end) of a buffer holds. */
typedef struct Piece {
    int64_t begin, end;
    bool valid;           /* it has arrived since the rest of the buffer was last written */
    const uint64_t *from; /* ranks whose parts are in the sum; NULL: not a sum */
} Piece;

typedef struct Track {
    LIST_OF(Piece) pieces; /* in order, without gaps; empty: the buffer is not followed */
    const Channel
        *moved; /* the last one that moved it, NULL: none, and how: names pieces to people */
    const Op *by;
} Track;

struct Provenance {
    Check *check;
    int64_t step, words; /* of a contributor set */
    Track **tracks;      /* [world][buffers] */
    uint64_t **alone;    /* [world] the set of just this rank */
    uint64_t **group;    /* [world] all members of the rank's group, NULL if it has none */
};

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
    return op->kind == OP_embed && check_arg(op, "entries") != at->check->model->vocabulary;
}

static void follow(Provenance *at, int64_t rank, int64_t buffer) {
    if (buffer < 0 || at->tracks[rank][buffer].pieces.count > 0)
        return;
    Track *track = &at->tracks[rank][buffer];
    const Buffer *of = &at->check->schedule->ranks[rank].buffers.items[buffer];
    *(Piece *)LIST_PUSH(at->check->scratch, &track->pieces) = (Piece){.end = of->bytes};
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

static uint64_t *new_set(const Provenance *at) {
    return ARENA_ARRAY(at->check->scratch, at->words, uint64_t);
}

static void put(uint64_t *set, int64_t rank) {
    set[rank / 64] |= (uint64_t)1 << (rank % 64);
}

Provenance *provenance_begin(Check *check, int64_t step) {
    int64_t world = check->schedule->world;
    Provenance *at = ARENA_NEW(check->scratch, Provenance);
    *at = (Provenance){.check = check, .step = step, .words = world / 64 + 1};
    at->tracks = ARENA_ARRAY(check->scratch, world, Track *);
    at->alone = ARENA_ARRAY(check->scratch, world, uint64_t *);
    at->group = ARENA_ARRAY(check->scratch, world, uint64_t *);
    for (int64_t rank = 0; rank < world; ++rank) {
        at->tracks[rank] =
            ARENA_ARRAY(check->scratch, check->schedule->ranks[rank].buffers.count, Track);
        put(at->alone[rank] = new_set(at), rank);
        int64_t base;
        const PlanGroup *group = check_group(check, rank, &base, NULL);
        if (group)
            at->group[rank] = new_set(at);
        for (int64_t m = 0; group && m < group->members.count; ++m)
            put(at->group[rank], base + group->members.items[m].rank);
        follow_rank(at, rank);
    }
    return at;
}

/* --- pieces
 * ------------------------------------------------------------------------------------------- */

static bool same_set(const Provenance *at, const uint64_t *a, const uint64_t *b) {
    return a == b || (a && b && memcmp(a, b, (size_t)at->words * sizeof *a) == 0);
}

static bool same_value(const Provenance *at, const Piece *a, const Piece *b) {
    return a->valid == b->valid && same_set(at, a->from, b->from);
}

/* Index of the piece that byte `at_byte` lies in, or of the end. */
static int64_t piece_at(const Track *track, int64_t at_byte) {
    int64_t low = 0, high = track->pieces.count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (track->pieces.items[middle].end <= at_byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Add to a list of pieces what is not empty; what continues the last one, to it. */
static int append(const Provenance *at, Piece *list, int count, Piece piece) {
    if (piece.begin >= piece.end)
        return count;
    if (count > 0 && same_value(at, &list[count - 1], &piece)) {
        list[count - 1].end = piece.end;
        return count;
    }
    list[count] = piece;
    return count + 1;
}

/* Replace what [value.begin, value.end) of a buffer holds: the pieces that touch it become at most five. */
static void assign(Provenance *at, Track *track, Piece value) {
    if (value.begin >= value.end)
        return;
    int64_t first = piece_at(track, value.begin), last = piece_at(track, value.end - 1);
    if (first == track->pieces.count)
        return;
    last = last == track->pieces.count ? last - 1 : last;
    Piece left = track->pieces.items[first], right = track->pieces.items[last], next[5];
    int count = 0;
    left.end = value.begin;
    right.begin = value.end;
    value.begin = value.begin > left.begin ? value.begin : left.begin;
    value.end = value.end < right.end ? value.end : right.end;
    if (first > 0)
        count = append(at, next, count, track->pieces.items[--first]);
    count = append(at, next, count, left);
    count = append(at, next, count, value);
    count = append(at, next, count, right);
    if (last + 1 < track->pieces.count)
        count = append(at, next, count, track->pieces.items[++last]);
    int64_t more = count - (last + 1 - first), tail = track->pieces.count - (last + 1);
    for (int64_t i = 0; i < more; ++i)
        LIST_PUSH(at->check->scratch, &track->pieces);
    memmove(&track->pieces.items[first + count], &track->pieces.items[last + 1],
            (size_t)tail * sizeof *track->pieces.items);
    memcpy(&track->pieces.items[first], next, (size_t)count * sizeof *next);
    track->pieces.count = first + count + tail;
}

/* The value of [begin, end), if it is the same all through. */
static bool value_of(const Provenance *at, const Track *track, int64_t begin, int64_t end,
                     Piece *value) {
    bool found = false;
    for (int64_t i = piece_at(track, begin);
         i < track->pieces.count && track->pieces.items[i].begin < end; ++i) {
        const Piece *piece = &track->pieces.items[i];
        if (found && !same_value(at, piece, value))
            return false;
        *value = *piece;
        found = true;
    }
    return found;
}

/* --- kernels
 * ------------------------------------------------------------------------------------------ */

/* Bytes of pieces [begin, end) in a member's buffer. */
static Range piece_bytes(const Channel *channel, const Op *op, Range pieces) {
    int64_t delta = op->args[op_arg((OpKind)op->kind, "buffer")].delta;
    Range bytes =
        channel_bytes(channel, pieces, check_arg(op, "units"), check_arg(op, "unit_bytes"));
    return (Range){delta + bytes.begin, delta + bytes.end};
}

/* " (piece 2 of 4)" where a move has cut the buffer, else nothing. */
static const char *piece_name(const Provenance *at, const Track *track, int64_t byte) {
    int64_t k = 0, count = track->moved ? track->moved->pieces : 0;
    while (k < count && piece_bytes(track->moved, track->by, (Range){k, k + 1}).end <= byte)
        ++k;
    return k == count ? ""
                      : arena_printf(at->check->scratch, " (piece %lld of %lld)", (long long)k,
                                     (long long)count);
}

static void read_range(Provenance *at, int64_t rank, WalkItem item, int64_t buffer, int64_t begin,
                       int64_t end) {
    Check *check = at->check;
    const Track *track = &at->tracks[rank][buffer];
    const char *name = check->schedule->ranks[rank].buffers.items[buffer].name;
    check_count(check, CHECK_GATHER, 1);
    for (int64_t i = 0; i < track->pieces.count; ++i) {
        const Piece *piece = &track->pieces.items[i];
        if (piece->end <= begin || piece->begin >= end)
            continue;
        if (!piece->valid) {
            check_fail(check, CHECK_GATHER, "a gather is missing, or gives other pieces",
                       "%s reads bytes [%lld, %lld) of %s%s, which no member has sent",
                       check_where(check, rank, at->step, item), (long long)piece->begin,
                       (long long)piece->end, name, piece_name(at, track, piece->begin));
            return;
        }
        if (!piece->from || same_set(at, piece->from, at->group[rank]))
            continue;
        int64_t absent = 0;
        while (!at->group[rank] || !(at->group[rank][absent / 64] >> (absent % 64) & 1) ||
               (piece->from[absent / 64] >> (absent % 64) & 1)) {
            if (++absent == check->schedule->world)
                break;
        }
        check_fail(check, CHECK_REDUCE, "a reduction is missing, or sums other pieces",
                   "%s reads bytes [%lld, %lld) of %s%s, a sum that lacks the part of rank %lld",
                   check_where(check, rank, at->step, item), (long long)piece->begin,
                   (long long)piece->end, name, piece_name(at, track, piece->begin),
                   (long long)absent);
        return;
    }
}

/* What is written stays; the rest of the buffer is of before, and must come again from its
 * owners. */
static void write_range(Provenance *at, int64_t rank, int64_t buffer, Piece value) {
    Track *track = &at->tracks[rank][buffer];
    int64_t bytes = at->check->schedule->ranks[rank].buffers.items[buffer].bytes;
    assign(at, track, (Piece){.end = bytes});
    assign(at, track, value);
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
            if (bytes <= 0)
                continue;
            if (pass == 0 && args[a].type != ARG_WRITE)
                read_range(at, rank, item, buffer, begin, begin + bytes);
            if (pass == 1 && args[a].type != ARG_READ)
                write_range(at, rank, buffer,
                            (Piece){begin, begin + bytes, true, partial ? at->alone[rank] : NULL});
        }
    }
}

/* --- meetings
 * ----------------------------------------------------------------------------------------- */

typedef struct Member {
    int64_t rank;
    WalkItem item;
    const Op *op;
    Track *track;
} Member;

static Member member_of(const Provenance *at, const WalkMeeting *meeting, int64_t i) {
    Member member = {.rank = meeting->ranks[i], .item = meeting->items[i]};
    member.op = check_op(at->check, member.rank, member.item.op);
    member.track = &at->tracks[member.rank][check_arg(member.op, "buffer")];
    return member;
}

static void refuse_part(Provenance *at, const Member *member, const Channel *channel, int64_t k,
                        const char *why) {
    check_fail(at->check, CHECK_REDUCE, NULL, "%s: piece %lld of %lld %s",
               check_where(at->check, member->rank, at->step, member->item), (long long)k,
               (long long)channel->pieces, why);
}

/* A rank whose part is in both, -1: none. */
static int64_t in_both(const Provenance *at, const uint64_t *a, const uint64_t *b) {
    for (int64_t rank = 0; rank < at->words * 64; ++rank)
        if ((a[rank / 64] & b[rank / 64]) >> (rank % 64) & 1)
            return rank;
    return -1;
}

/* The union of what the members have of piece k. */
static const uint64_t *unite(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                             int64_t k) {
    uint64_t *sum = new_set(at);
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = piece_bytes(channel, member.op, (Range){k, k + 1});
        Piece value;
        if (bytes.begin >= bytes.end)
            continue;
        if (!value_of(at, member.track, bytes.begin, bytes.end, &value) || !value.valid) {
            refuse_part(at, &member, channel, k,
                        "is summed, but not all of it has been computed here");
            continue;
        }
        if (!value.from) {
            refuse_part(at, &member, channel, k, "is summed, but is no part of a sum");
            continue;
        }
        int64_t twice = in_both(at, sum, value.from);
        if (twice >= 0)
            refuse_part(
                at, &member, channel, k,
                arena_printf(at->check->scratch,
                             "is summed with the part of rank %lld, which the sum has already",
                             (long long)twice));
        for (int64_t w = 0; w < at->words; ++w)
            sum[w] |= value.from[w];
    }
    return sum;
}

/* Piece k reduced: to all members, or to the owner while the others keep a remainder of no use. */
static void reduce_piece(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                         int64_t k, int64_t owner) {
    const uint64_t *sum = unite(at, meeting, channel, k);
    check_count(at->check, CHECK_REDUCE, 1);
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = piece_bytes(channel, member.op, (Range){k, k + 1});
        bool gets = owner < 0 || owner == i;
        assign(at, member.track, (Piece){bytes.begin, bytes.end, gets, gets ? sum : NULL});
    }
}

static void gather_piece(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                         int64_t k, int64_t owner) {
    Member source = member_of(at, meeting, owner);
    Range own = piece_bytes(channel, source.op, (Range){k, k + 1});
    Piece value;
    if (own.begin >= own.end)
        return;
    if (!value_of(at, source.track, own.begin, own.end, &value) || !value.valid) {
        check_fail(at->check, CHECK_GATHER, NULL,
                   "%s: piece %lld of %lld is given, but has not been made",
                   check_where(at->check, source.rank, at->step, source.item), (long long)k,
                   (long long)channel->pieces);
        return;
    }
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = piece_bytes(channel, member.op, (Range){k, k + 1});
        if (i != owner)
            assign(at, member.track, (Piece){bytes.begin, bytes.end, value.valid, value.from});
    }
}

/* What becomes of piece k in the receiver of a transfer. `taken`: it got the piece in this stage before. */
static void receive_piece(Provenance *at, const Member *sender, const Member *receiver,
                          const Channel *channel, bool sum, int64_t k, const Piece *sent,
                          bool taken) {
    Range bytes = piece_bytes(channel, receiver->op, (Range){k, k + 1});
    const char *from = arena_printf(at->check->scratch, "from rank %lld", (long long)sender->rank);
    Piece own;
    check_count(at->check, sum ? CHECK_REDUCE : CHECK_GATHER, 1);
    if (!sent->valid)
        from = arena_printf(at->check->scratch, "comes %s, which has not made it", from);
    else if (taken)
        from = arena_printf(at->check->scratch, "comes %s too: a copy stands alone in its stage",
                            from);
    else if (!sum) {
        assign(at, receiver->track, (Piece){bytes.begin, bytes.end, true, sent->from});
        return;
    } else if (!value_of(at, receiver->track, bytes.begin, bytes.end, &own) || !own.valid ||
               !own.from || !sent->from) {
        from =
            arena_printf(at->check->scratch, "%s is added, but one side is no part of a sum", from);
    } else if (in_both(at, own.from, sent->from) >= 0) {
        from = arena_printf(at->check->scratch, "gets the part of rank %lld twice, again %s",
                            (long long)in_both(at, own.from, sent->from), from);
    } else {
        uint64_t *both = new_set(at);
        for (int64_t w = 0; w < at->words; ++w)
            both[w] = own.from[w] | sent->from[w];
        assign(at, receiver->track, (Piece){bytes.begin, bytes.end, true, both});
        return;
    }
    refuse_part(at, receiver, channel, k, from);
}

/* A stage of transfers: everything is sent before anything is received. */
static void transfers_meet(Provenance *at, const WalkMeeting *meeting, const Channel *channel) {
    Arena local = {0};
    int64_t count = 0, next = 0;
    for (int64_t i = 0; i < channel->transfers.count; ++i)
        count += channel->transfers.items[i].pieces.end - channel->transfers.items[i].pieces.begin;
    Piece *sent = ARENA_ARRAY(&local, count, Piece);
    /* [members][pieces] 1: has got sums, 2: a copy */
    char *got = ARENA_ARRAY(&local, meeting->count * channel->pieces, char);
    for (int pass = 0; pass < 2; ++pass, next = 0) {
        for (int64_t i = 0; i < channel->transfers.count; ++i) {
            const ChannelTransfer *transfer = &channel->transfers.items[i];
            Member from = member_of(at, meeting, transfer->from);
            Member to = member_of(at, meeting, transfer->to);
            for (int64_t k = transfer->pieces.begin; k < transfer->pieces.end; ++k, ++next) {
                Range bytes = piece_bytes(channel, from.op, (Range){k, k + 1});
                char *before = &got[transfer->to * channel->pieces + k];
                if (bytes.begin >= bytes.end)
                    continue;
                if (pass == 0 && !value_of(at, from.track, bytes.begin, bytes.end, &sent[next]))
                    sent[next].valid = false;
                if (pass == 0)
                    continue;
                receive_piece(at, &from, &to, channel, transfer->sum, k, &sent[next],
                              *before == 2 || (*before == 1 && !transfer->sum));
                *before = transfer->sum ? 1 : 2;
            }
        }
    }
    arena_free(&local);
}

/* What is sent must be whole; what is received joins what other peers have sent of the buffer. */
static void pair_meets(Provenance *at, const WalkMeeting *meeting) {
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        OpValue value = member.op->args[op_arg((OpKind)member.op->kind, "buffer")];
        int64_t end = value.delta + check_arg(member.op, "bytes");
        if (member.track->pieces.count == 0)
            continue;
        if (member.op->kind == OP_send)
            read_range(at, member.rank, member.item, value.value, value.delta, end);
        else
            assign(at, member.track, (Piece){value.delta, end, true, NULL});
    }
}

void provenance_meet(Provenance *at, const WalkMeeting *meeting) {
    const Channel *channel = &at->check->schedule->channels.items[meeting->channel];
    const Op *first = check_op(at->check, meeting->ranks[0], meeting->items[0].op);
    if (op_info[first->kind].class == OPCLASS_PAIR) {
        pair_meets(at, meeting);
        return;
    }
    if (meeting->exchange >= 0) {
        for (int64_t i = 0; i < meeting->count; ++i)
            provenance_local(at, meeting->ranks[i], meeting->items[i]);
        return;
    }
    int64_t kind = check_op(at->check, meeting->ranks[0], meeting->items[0].op)->kind;
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        member.track->moved = channel;
        member.track->by = member.op;
    }
    if (kind == OP_transfer) {
        transfers_meet(at, meeting, channel);
        return;
    }
    for (int64_t i = 0; i < (kind == OP_all_reduce ? 1 : meeting->count); ++i) {
        Range own = channel->own.items[i];
        for (int64_t k = own.begin; k < own.end; ++k) {
            if (kind == OP_all_gather)
                gather_piece(at, meeting, channel, k, i);
            else
                reduce_piece(at, meeting, channel, k, kind == OP_all_reduce ? -1 : i);
        }
    }
}
