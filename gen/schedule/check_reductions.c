/* check_reductions: what moves do to what buffers hold. A reduction unites the parts that members have of each piece, a
 * gather copies, a stage of transfers does either by its list; what passes between two ranks must be whole. */
#include "schedule/check_pieces.h"

#include <string.h>

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

/* The union of what the members have of piece k. */
static const Sum *unite(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                        int64_t k) {
    IntList terms = {0};
    memset(at->united, 0, (size_t)at->sums.words * sizeof *at->united);
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = pieces_bytes(channel, member.op, (Range){k, k + 1});
        Piece value;
        if (bytes.begin >= bytes.end)
            continue;
        if (!pieces_value(at, member.track, bytes.begin, bytes.end, &value) || !value.valid) {
            refuse_part(at, &member, channel, k,
                        "is summed, but not all of it has been computed here");
            continue;
        }
        if (!value.sum) {
            refuse_part(at, &member, channel, k, "is summed, but is no part of a sum");
            continue;
        }
        int64_t twice = sums_in_both(&at->sums, at->united, value.sum->from);
        if (twice >= 0)
            refuse_part(
                at, &member, channel, k,
                arena_printf(at->check->scratch,
                             "is summed with the part of rank %lld, which the sum has already",
                             (long long)twice));
        *(int64_t *)LIST_PUSH(at->check->scratch, &terms) = value.sum->id;
        for (int64_t w = 0; w < at->sums.words; ++w)
            at->united[w] |= value.sum->from[w];
    }
    return terms.count == 0 ? NULL : sums_reduction(&at->sums, meeting->channel, &terms);
}

/* Piece k reduced: to all members, or to the owner while the others keep a remainder of no use. */
static void reduce_piece(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                         int64_t k, int64_t owner) {
    const Sum *sum = unite(at, meeting, channel, k);
    check_count(at->check, CHECK_REDUCE, 1);
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = pieces_bytes(channel, member.op, (Range){k, k + 1});
        bool gets = owner < 0 || owner == i;
        pieces_assign(at, member.track, (Piece){bytes.begin, bytes.end, gets, gets ? sum : NULL});
    }
}

static void gather_piece(Provenance *at, const WalkMeeting *meeting, const Channel *channel,
                         int64_t k, int64_t owner) {
    Member source = member_of(at, meeting, owner);
    Range own = pieces_bytes(channel, source.op, (Range){k, k + 1});
    Piece value;
    if (own.begin >= own.end)
        return;
    if (!pieces_value(at, source.track, own.begin, own.end, &value) || !value.valid) {
        check_fail(at->check, CHECK_GATHER, NULL,
                   "%s: piece %lld of %lld is given, but has not been made",
                   check_where(at->check, source.rank, at->step, source.item), (long long)k,
                   (long long)channel->pieces);
        return;
    }
    for (int64_t i = 0; i < meeting->count; ++i) {
        Member member = member_of(at, meeting, i);
        Range bytes = pieces_bytes(channel, member.op, (Range){k, k + 1});
        if (i != owner)
            pieces_assign(at, member.track,
                          (Piece){bytes.begin, bytes.end, value.valid, value.sum});
    }
}

/* What becomes of piece k in the receiver of a transfer. `taken`: it got the piece in this stage before. */
static void receive_piece(Provenance *at, const Member *sender, const Member *receiver,
                          const Channel *channel, bool sum, int64_t k, const Piece *sent,
                          bool taken) {
    Range bytes = pieces_bytes(channel, receiver->op, (Range){k, k + 1});
    const char *from = arena_printf(at->check->scratch, "from rank %lld", (long long)sender->rank);
    Piece own;
    check_count(at->check, sum ? CHECK_REDUCE : CHECK_GATHER, 1);
    if (!sent->valid)
        from = arena_printf(at->check->scratch, "comes %s, which has not made it", from);
    else if (taken)
        from = arena_printf(at->check->scratch, "comes %s too: a copy stands alone in its stage",
                            from);
    else if (!sum) {
        pieces_assign(at, receiver->track, (Piece){bytes.begin, bytes.end, true, sent->sum});
        return;
    } else if (!pieces_value(at, receiver->track, bytes.begin, bytes.end, &own) || !own.valid ||
               !own.sum || !sent->sum) {
        from =
            arena_printf(at->check->scratch, "%s is added, but one side is no part of a sum", from);
    } else if (sums_in_both(&at->sums, own.sum->from, sent->sum->from) >= 0) {
        from =
            arena_printf(at->check->scratch, "gets the part of rank %lld twice, again %s",
                         (long long)sums_in_both(&at->sums, own.sum->from, sent->sum->from), from);
    } else {
        const Sum *both = sums_pair(&at->sums, own.sum, sent->sum);
        pieces_assign(at, receiver->track, (Piece){bytes.begin, bytes.end, true, both});
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
                Range bytes = pieces_bytes(channel, from.op, (Range){k, k + 1});
                char *before = &got[transfer->to * channel->pieces + k];
                if (bytes.begin >= bytes.end)
                    continue;
                if (pass == 0 && !pieces_value(at, from.track, bytes.begin, bytes.end, &sent[next]))
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
            provenance_read(at, member.rank, member.item, value.value, value.delta, end);
        else
            pieces_assign(at, member.track, (Piece){value.delta, end, true, NULL});
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
