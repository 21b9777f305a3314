/* check_moves: all ranks meet. A walk of all ranks with nothing buffered finds either the end of the step or the
 * shortest wait cycle, compares what the members bring to each meeting, and drives the provenance of the data.
 * The k-th moves of a channel's members meet: where they differ, or never meet, all moves of
 * each channel are compared to tell which is the first. */
#include "schedule/check_rules.h"
#include "schedule/check_values.h"

#include <string.h>

/* --- order per channel
 * -------------------------------------------------------------------------------- */

typedef struct Issued {
    LIST_OF(WalkItem) items;
} Issued;

static int64_t place_of(const Check *check, const Op *op) {
    if (op_info[op->kind].class == OPCLASS_EXCHANGE)
        return check->schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine);
    return op->channel;
}

/* The two ends of a pair are the same move seen from its sides: in tokens, or sent and received. */
static bool same_kind(const Op *a, const Op *b) {
    if (op_info[a->kind].class == OPCLASS_PAIR)
        return op_info[b->kind].class == OPCLASS_PAIR && a->kind != b->kind;
    return a->kind == b->kind && a->part == b->part;
}

static bool same_move(const Op *a, int64_t layer_a, const Op *b, int64_t layer_b) {
    return same_kind(a, b) && layer_a == layer_b && a->microbatch == b->microbatch;
}

/* The moves of each place in the first rank that has it, to compare the others with. */
static void compare_channels(Check *check, int64_t step) {
    const Schedule *schedule = check->schedule;
    int64_t places = schedule->channels.count + 2 * schedule->exchanges.count;
    Issued *issued = ARENA_ARRAY(check->scratch, places, Issued);
    int64_t *first = ARENA_ARRAY(check->scratch, places, int64_t);
    int64_t *next = ARENA_ARRAY(check->scratch, places, int64_t);
    memset(first, 0xff, (size_t)places * sizeof *first);
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        WalkCursor cursor = walk_begin(&schedule->ranks[rank], step);
        WalkItem item;
        memset(next, 0, (size_t)places * sizeof *next);
        while (walk_next(&cursor, &item)) {
            const Op *op = check_op(check, rank, item.op);
            if (!walk_is_move(op))
                continue;
            int64_t place = place_of(check, op), k = next[place]++;
            first[place] = first[place] < 0 ? rank : first[place];
            if (first[place] == rank) {
                *(WalkItem *)LIST_PUSH(check->scratch, &issued[place].items) = item;
                continue;
            }
            if (k >= issued[place].items.count) {
                check_fail(check, CHECK_CHANNEL, NULL,
                           "%s is move %lld on channel %s, where rank %lld has only %lld",
                           check_where(check, rank, step, item), (long long)k,
                           schedule->channels.items[op->channel].name, (long long)first[place],
                           (long long)issued[place].items.count);
                continue;
            }
            WalkItem other = issued[place].items.items[k];
            const Op *with = check_op(check, first[place], other.op);
            if (!same_move(op, item.layer, with, other.layer))
                check_fail(check, CHECK_CHANNEL, NULL, "move %lld on channel %s is %s, but %s",
                           (long long)k, schedule->channels.items[op->channel].name,
                           check_where(check, rank, step, item),
                           check_where(check, first[place], step, other));
        }
    }
}

/* --- meetings
 * ----------------------------------------------------------------------------------------- */

typedef struct Walkers {
    Check *check;
    int64_t step;
    Provenance *provenance;
    bool compared; /* the moves of all channels */
} Walkers;

static void compare_once(Walkers *walkers) {
    if (!walkers->compared)
        compare_channels(walkers->check, walkers->step);
    walkers->compared = true;
}

static bool has(const Op *op, const char *argument) {
    return check_arg(op, argument) >= 0;
}

/* A source brings the windows of a source, a target those of a target, all room where rows are passed on. */
static bool right_sides(const Op *op, bool source, bool target, bool relays) {
    if (op->kind == OP_dispatch)
        return has(op, "send_rows") == source && has(op, "send_meta") == source &&
               has(op, "send_counts") == source && has(op, "recv_rows") == target &&
               has(op, "recv_meta") == target && has(op, "recv_counts") == target &&
               has(op, "relay_rows") == relays && has(op, "relay_meta") == relays;
    return has(op, "send_rows") == target && has(op, "send_counts") == target &&
           has(op, "recv_rows") == source && has(op, "recv_counts") == source &&
           has(op, "relay_rows") == relays;
}

static void meet_exchange(Walkers *walkers, const WalkMeeting *meeting) {
    Check *check = walkers->check;
    const Exchange *exchange = &check->schedule->exchanges.items[meeting->exchange];
    check_count(check, CHECK_EXCHANGE, 1);
    for (int64_t i = 0; i < meeting->count; ++i) {
        int64_t rank = meeting->ranks[i];
        WalkItem item = meeting->items[i], head = meeting->items[0];
        const Op *op = check_op(check, rank, item.op);
        const Op *first = check_op(check, meeting->ranks[0], head.op);
        const char *bad = NULL;
        bool relays = exchange_relay_rows(exchange, rank, op->kind == OP_combine,
                                          check->schedule->top_k) >= 0;
        if (!right_sides(op, check_source(exchange, rank) >= 0, check_target(exchange, rank) >= 0,
                         relays))
            bad = "lacks a window of its side, or has one of the other's";
        else if (exchange->step != walkers->step || exchange->microbatch != op->microbatch)
            bad = "is of another step or micro-batch";
        else if (!same_move(op, item.layer, first, head.layer) || op->channel != first->channel)
            bad = "does not match what the first end does";
        if (bad)
            check_fail(check, CHECK_EXCHANGE, NULL, "%s at exchange %s %s",
                       check_where(check, rank, walkers->step, item), exchange->name, bad);
    }
}

/* Room for what arrives before it may be used. */
static void meet_arrivals(Walkers *walkers, const WalkMeeting *meeting, const Channel *channel) {
    Check *check = walkers->check;
    for (int64_t i = 0; i < meeting->count; ++i) {
        const Op *op = check_op(check, meeting->ranks[i], meeting->items[i].op);
        if (op->kind != OP_transfer)
            continue;
        int64_t bytes =
            channel_arrivals(channel, i, check_arg(op, "units"), check_arg(op, "unit_bytes"));
        if (check_arg(op, "arrivals") < bytes)
            check_fail(check, CHECK_COLLECTIVE, NULL,
                       "channel %s: %s has room for %lld bytes of the %lld that arrive",
                       channel->name,
                       check_where(check, meeting->ranks[i], walkers->step, meeting->items[i]),
                       (long long)check_arg(op, "arrivals"), (long long)bytes);
    }
}

/* Members bring the same kind of value: not one its projection, another its residual. */
static void meet_values(Walkers *walkers, const WalkMeeting *meeting, const Channel *channel) {
    Check *check = walkers->check;
    const RankSchedule *ranks = check->schedule->ranks;
    int first = check->moved[ranks[meeting->ranks[0]].role][meeting->items[0].op];
    for (int64_t i = 1; i < meeting->count; ++i) {
        int moved = check->moved[ranks[meeting->ranks[i]].role][meeting->items[i].op];
        if (moved != first)
            check_fail(check, CHECK_COLLECTIVE, NULL,
                       "channel %s: %s brings %s, rank %lld brings %s", channel->name,
                       check_where(check, meeting->ranks[i], walkers->step, meeting->items[i]),
                       check_values_name(moved), (long long)meeting->ranks[0],
                       check_values_name(first));
    }
}

static bool adds(const Channel *channel, int64_t kind) {
    bool sums = kind == OP_all_reduce || kind == OP_reduce_scatter;
    for (int64_t i = 0; i < channel->transfers.count; ++i)
        sums = sums || channel->transfers.items[i].sum;
    return sums;
}

/* Do two members own one piece? Then it would be of either. */
static bool owned_twice(const Channel *channel) {
    bool ascend = true;
    for (int64_t i = 1; i < channel->own.count; ++i)
        ascend = ascend && channel->own.items[i].begin >= channel->own.items[i - 1].end;
    for (int64_t i = 0; !ascend && i < channel->own.count; ++i)
        for (int64_t k = 0; k < i; ++k)
            if (range_overlap(channel->own.items[i], channel->own.items[k]))
                return true;
    return false;
}

/* Pieces of a sum are whole elements; of what is gathered or scattered each has one owner. */
static void meet_pieces(Walkers *walkers, const WalkMeeting *meeting, const Channel *channel) {
    Check *check = walkers->check;
    const Op *first = check_op(check, meeting->ranks[0], meeting->items[0].op);
    int64_t element = element_bytes(check_arg(first, "type"));
    if (adds(channel, first->kind) && check_arg(first, "unit_bytes") % element != 0)
        check_fail(check, CHECK_COLLECTIVE, NULL,
                   "channel %s: %s adds units of %lld bytes, which are no whole elements of %lld",
                   channel->name,
                   check_where(check, meeting->ranks[0], walkers->step, meeting->items[0]),
                   (long long)check_arg(first, "unit_bytes"), (long long)element);
    if ((first->kind == OP_all_gather || first->kind == OP_reduce_scatter) && owned_twice(channel))
        check_fail(check, CHECK_COLLECTIVE, NULL, "channel %s: %s has a piece of two members",
                   channel->name,
                   check_where(check, meeting->ranks[0], walkers->step, meeting->items[0]));
}

static void meet_collective(Walkers *walkers, const WalkMeeting *meeting) {
    Check *check = walkers->check;
    const Channel *channel = &check->schedule->channels.items[meeting->channel];
    check_count(check, CHECK_COLLECTIVE, 1);
    for (int64_t i = 1; i < channel->own.count; ++i)
        if (check_op(check, meeting->ranks[0], meeting->items[0].op)->kind == OP_all_reduce &&
            (channel->own.items[i].begin != channel->own.items[0].begin ||
             channel->own.items[i].end != channel->own.items[0].end))
            check_fail(check, CHECK_COLLECTIVE, NULL,
                       "channel %s: members of an all_reduce name other pieces", channel->name);
    meet_arrivals(walkers, meeting, channel);
    meet_values(walkers, meeting, channel);
    meet_pieces(walkers, meeting, channel);
    for (int64_t i = 1; i < meeting->count; ++i) {
        WalkItem item = meeting->items[i], head = meeting->items[0];
        const Op *op = check_op(check, meeting->ranks[i], item.op);
        const Op *first = check_op(check, meeting->ranks[0], head.op);
        if (same_move(op, item.layer, first, head.layer) &&
            check_arg(op, "units") == check_arg(first, "units") &&
            check_arg(op, "unit_bytes") == check_arg(first, "unit_bytes") &&
            check_arg(op, "type") == check_arg(first, "type"))
            continue;
        check_fail(check, CHECK_COLLECTIVE, NULL,
                   "channel %s: %s brings %lld units of %lld bytes, %s brings %lld of %lld",
                   channel->name, check_where(check, meeting->ranks[i], walkers->step, item),
                   (long long)check_arg(op, "units"), (long long)check_arg(op, "unit_bytes"),
                   check_where(check, meeting->ranks[0], walkers->step, head),
                   (long long)check_arg(first, "units"), (long long)check_arg(first, "unit_bytes"));
    }
}

static int64_t pair_delta(const Op *op) {
    return op->args[op_arg((OpKind)op->kind, "buffer")].delta;
}

static int64_t stage_index(const Check *check, const PlanStage *stage) {
    return stage - check->plan->stages.items;
}

/* Rows go to the next stage of the same requests, chosen tokens from the last to the first. */
static bool pair_follows_plan(const Check *check, const Op *send, int64_t from, const Op *recv,
                              int64_t to) {
    int64_t from_base, to_base, last = check->plan->stages.count - 1;
    const PlanStage *sending, *receiving;
    const PlanGroup *giver = check_group(check, from, &from_base, &sending);
    const PlanGroup *taker = check_group(check, to, &to_base, &receiving);
    if (!giver || !taker || from_base != to_base ||
        giver->requests.begin != taker->requests.begin ||
        giver->requests.end != taker->requests.end)
        return false;
    int64_t s = stage_index(check, sending), r = stage_index(check, receiving);
    if (send->part == PART_TOKENS)
        return recv->part == PART_TOKENS && s == last && r == 0;
    return send->part == PART_SEND && recv->part == PART_RECEIVE && s + 1 == r;
}

static void check_ends(Walkers *walkers, const WalkMeeting *meeting, const Op *a, const Op *b) {
    Check *check = walkers->check;
    int sender = a->kind == OP_send ? 0 : 1;
    if (pair_follows_plan(check, sender ? b : a, meeting->ranks[sender], sender ? a : b,
                          meeting->ranks[!sender]))
        return;
    check_fail(check, CHECK_COLLECTIVE,
               "rows go to the next stage of the same requests, tokens from the last to the first",
               "%s hands over to rank %lld, which the plan does not",
               check_where(check, meeting->ranks[sender], walkers->step, meeting->items[sender]),
               (long long)meeting->ranks[!sender]);
}

/* One sends, the other receives as much, at the same place in a buffer of the same layout. */
static void meet_pair(Walkers *walkers, const WalkMeeting *meeting) {
    Check *check = walkers->check;
    const Channel *channel = &check->schedule->channels.items[meeting->channel];
    check_count(check, CHECK_COLLECTIVE, 1);
    const Op *a = check_op(check, meeting->ranks[0], meeting->items[0].op);
    const Op *b =
        meeting->count == 2 ? check_op(check, meeting->ranks[1], meeting->items[1].op) : a;
    if (meeting->count == 2 && same_move(a, meeting->items[0].layer, b, meeting->items[1].layer) &&
        check_arg(a, "bytes") == check_arg(b, "bytes") && pair_delta(a) == pair_delta(b)) {
        check_ends(walkers, meeting, a, b);
        return;
    }
    check_fail(check, CHECK_COLLECTIVE, NULL,
               "channel %s: %s brings %lld bytes from byte %lld on, %s brings %lld from %lld",
               channel->name,
               check_where(check, meeting->ranks[0], walkers->step, meeting->items[0]),
               (long long)check_arg(a, "bytes"), (long long)pair_delta(a),
               check_where(check, meeting->ranks[meeting->count - 1], walkers->step,
                           meeting->items[meeting->count - 1]),
               (long long)check_arg(b, "bytes"), (long long)pair_delta(b));
}

static void meet_same(Walkers *walkers, const WalkMeeting *meeting) {
    const Op *first = check_op(walkers->check, meeting->ranks[0], meeting->items[0].op);
    check_count(walkers->check, CHECK_CHANNEL, meeting->count);
    for (int64_t i = 1; i < meeting->count; ++i) {
        WalkItem item = meeting->items[i];
        if (!same_move(check_op(walkers->check, meeting->ranks[i], item.op), item.layer, first,
                       meeting->items[0].layer))
            compare_once(walkers);
    }
}

static void on_meet(void *context, const WalkMeeting *meeting) {
    Walkers *walkers = context;
    check_count(walkers->check, CHECK_CYCLE, 1);
    meet_same(walkers, meeting);
    int64_t kind = check_op(walkers->check, meeting->ranks[0], meeting->items[0].op)->kind;
    if (meeting->exchange >= 0)
        meet_exchange(walkers, meeting);
    else if (op_info[kind].class == OPCLASS_PAIR)
        meet_pair(walkers, meeting);
    else
        meet_collective(walkers, meeting);
    provenance_meet(walkers->provenance, meeting);
}

static void on_local(void *context, int64_t rank, WalkItem item) {
    provenance_local(((Walkers *)context)->provenance, rank, item);
}

static bool on_recurs(void *context, int64_t rank) {
    return provenance_recurs(((Walkers *)context)->provenance, rank);
}

static const char *awaits(Check *check, int64_t step, const WalkWait *wait) {
    const Op *op = check_op(check, wait->rank, wait->item.op);
    return arena_printf(check->scratch, "%s on channel %s waits for rank %lld%s",
                        check_where(check, wait->rank, step, wait->item),
                        check->schedule->channels.items[op->channel].name, (long long)wait->awaited,
                        wait->ended ? ", which has come to its end" : "");
}

static void tell_stuck(Check *check, int64_t step, const WalkStuck *stuck) {
    const char *text = "";
    for (int64_t i = 0; i < stuck->waits.count; ++i)
        text = arena_printf(check->scratch, "%s%s%s", text, i ? "; " : "",
                            awaits(check, step, &stuck->waits.items[i]));
    check_fail(check, CHECK_CYCLE, "give the moves of all ranks one total order", "%s", text);
}

void check_moves(Check *check) {
    check_hops(check);
    for (int64_t step = 0; step < check->plan->steps.count; ++step) {
        ArenaMark mark = arena_mark(check->scratch);
        Walkers walkers = {.check = check, .step = step};
        WalkVisitor visitor = {&walkers, on_local, on_meet, on_recurs};
        WalkStuck stuck;
        walkers.provenance = provenance_begin(check, step);
        if (!(check->flat ? walk_run : walk_run_folded)(check->schedule, step, &visitor,
                                                        check->scratch, &stuck)) {
            compare_once(&walkers);
            tell_stuck(check, step, &stuck);
        }
        arena_rewind(check->scratch, mark);
    }
}
