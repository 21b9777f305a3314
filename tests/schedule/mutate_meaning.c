/* mutate_meaning: runs the steps of a schedule over symbols: a prefill and two decodes. Kernels work row by row, so
 * that it does not matter which rank has which rows; what experts make of a row is told by the weights that its route
 * leads to, so that it does not matter where they lie. Ranks meet as the walk lets them. */
#include "meaning_run.h"

enum { CALLS = 3 };

/* --- moves -------------------------------------------------------------------------------------------- */

static const int64_t buffer_arg = 0; /* of collectives and pairs */

static Range payload(const Exec *at, const Channel *channel, Range pieces) {
    Range bytes = channel_bytes(channel, pieces, meaning_number(at->op, "units", 0),
                                meaning_number(at->op, "unit_bytes", 0));
    int64_t begin = meaning_address(at, (int)buffer_arg);
    return (Range){begin + bytes.begin, begin + bytes.end};
}

static MeaningSpans take(const Exec *at, Range bytes) {
    return meaning_copy(&at->run->slabs[at->rank], bytes.begin, bytes.end);
}

static void give(const Exec *at, Range bytes, const MeaningSpans *spans) {
    meaning_paste(&at->run->slabs[at->rank], bytes.begin, spans);
}

static void meet_transfers(Exec *members, const Channel *channel) {
    int64_t count = channel->transfers.count;
    Arena *arena = members[0].run->arena;
    MeaningSpans *sent = ARENA_ARRAY(arena, count + 1, MeaningSpans);
    for (int64_t i = 0; i < count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        const Exec *from = &members[transfer->from];
        sent[i] = take(from, payload(from, channel, transfer->pieces));
    }
    for (int64_t i = 0; i < count; ++i) {
        const ChannelTransfer *transfer = &channel->transfers.items[i];
        const Exec *to = &members[transfer->to];
        Range bytes = payload(to, channel, transfer->pieces);
        if (transfer->sum) {
            MeaningSpans own = take(to, bytes);
            sent[i] = meaning_add(arena, &own, &sent[i]);
        }
        give(to, bytes, &sent[i]);
    }
}

static void meet_reduce(Exec *members, int64_t count, const Channel *channel, Range own,
                        int64_t owner) {
    MeaningSpans sum = take(&members[0], payload(&members[0], channel, own));
    for (int64_t i = 1; i < count; ++i) {
        MeaningSpans more = take(&members[i], payload(&members[i], channel, own));
        sum = meaning_add(members[0].run->arena, &sum, &more);
    }
    for (int64_t i = 0; i < count; ++i) {
        Range bytes = payload(&members[i], channel, own);
        if (owner < 0 || owner == i)
            give(&members[i], bytes, &sum);
        else
            meaning_write(&members[i].run->slabs[members[i].rank], bytes.begin, bytes.end, 0xdead);
    }
}

static void meet_collective(Exec *members, int64_t count, const Channel *channel) {
    int64_t kind = members[0].op->kind;
    if (kind == OP_transfer) {
        meet_transfers(members, channel);
        return;
    }
    for (int64_t i = 0; i < (kind == OP_all_reduce ? 1 : count); ++i) {
        Range own = channel->own.items[i];
        if (kind != OP_all_gather) {
            meet_reduce(members, count, channel, own, kind == OP_all_reduce ? -1 : i);
            continue;
        }
        MeaningSpans spans = take(&members[i], payload(&members[i], channel, own));
        for (int64_t k = 0; k < count; ++k)
            if (k != i)
                give(&members[k], payload(&members[k], channel, own), &spans);
    }
}

static void meet_pair(Exec *members) {
    const Exec *from = &members[members[0].op->kind == OP_send ? 0 : 1];
    const Exec *to = &members[members[0].op->kind == OP_send ? 1 : 0];
    int64_t begin = meaning_address(from, 0), at = meaning_address(to, 0);
    MeaningSpans spans = take(from, (Range){begin, begin + meaning_number(from->op, "bytes", 0)});
    give(to, (Range){at, at + meaning_number(to->op, "bytes", 0)}, &spans);
}

/* Do the rows between a source and a target arrive, once? */
static bool arrives(const Exchange *exchange, bool back, int64_t source, int64_t target) {
    int64_t arrived = 0;
    const ExchangeHop whole = {.source = source, .target = target};
    int64_t start = exchange_hop_start(exchange, &whole, back);
    int64_t end = exchange_hop_end(exchange, &whole, back);
    if (exchange->hops[back].count == 0 || start == end)
        return true;
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        if (hop->source != source || hop->target != target)
            continue;
        bool has = hop->from == start;
        for (int64_t k = 0; k < i; ++k) {
            const ExchangeHop *before = &exchange->hops[back].items[k];
            has = has || (before->source == source && before->target == target &&
                          before->to == hop->from && before->stage < hop->stage);
        }
        arrived += has && hop->to == end;
    }
    return arrived == 1;
}

static Exec *end_of(Exec *members, int64_t count, int64_t rank) {
    for (int64_t i = 0; i < count; ++i)
        if (members[i].rank == rank)
            return &members[i];
    return NULL;
}

/* From each start (sources of dispatch, targets of combine) to each end. Sent are arguments 0 and on. */
static void meet_exchange(Exec *members, int64_t count, const Exchange *exchange) {
    bool back = members[0].op->kind == OP_combine;
    Run *run = members[0].run;
    int64_t starts = back ? exchange->targets.count : exchange->sources.count;
    int64_t ends = back ? exchange->sources.count : exchange->targets.count;
    const Window **sent = ARENA_ARRAY(run->arena, starts + 1, const Window *);
    for (int64_t i = 0; i < starts; ++i) {
        Exec *at = end_of(members, count,
                          back ? exchange->targets.items[i].rank : exchange->sources.items[i].rank);
        const Window *rows = at ? meaning_window_in(run, at->rank, at, 0) : NULL;
        bool sound = rows && rows == meaning_window_in(run, at->rank, at, 1) &&
                     (back || rows == meaning_window_in(run, at->rank, at, 2));
        sent[i] = sound ? rows : NULL;
    }
    for (int64_t i = 0; i < ends; ++i) {
        Exec *at = end_of(members, count,
                          back ? exchange->sources.items[i].rank : exchange->targets.items[i].rank);
        if (!at)
            continue;
        uint64_t value = meaning_mix(at->value, (uint64_t)at->rank);
        const Window **of = ARENA_ARRAY(run->arena, starts + 1, const Window *);
        for (int64_t k = 0; k < starts; ++k) {
            of[k] = arrives(exchange, back, back ? i : k, back ? k : i) ? sent[k] : NULL;
            value = meaning_mix(value, of[k] ? of[k]->value : 6);
        }
        Window *got = meaning_new_window(run, value, at->rank);
        got->of = of;
        got->count = starts;
        for (int a = 0; a < OP_ARGS && at->args[a].type != ARG_NONE; ++a)
            if (at->args[a].type == ARG_WRITE)
                meaning_write_window(at, a, value);
    }
}

static void on_meet(void *context, const WalkMeeting *meeting) {
    Run *run = context;
    Exec *members = ARENA_ARRAY(run->arena, meeting->count + 1, Exec);
    for (int64_t i = 0; i < meeting->count; ++i) {
        members[i] = meaning_exec_of(run, meeting->ranks[i], meeting->items[i]);
        meaning_note(&members[i]);
        if (members[i].op->kind == OP_transfer)
            meaning_write_scratch(&members[i]);
    }
    const Channel *channel = &run->schedule->channels.items[meeting->channel];
    if (meeting->exchange >= 0)
        meet_exchange(members, meeting->count, &run->schedule->exchanges.items[meeting->exchange]);
    else if (op_info[members[0].op->kind].class == OPCLASS_PAIR)
        meet_pair(members);
    else
        meet_collective(members, meeting->count, channel);
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static Run begin(Arena *arena, const Schedule *schedule) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    Run run = {.schedule = schedule, .model = &inputs->model, .arena = arena};
    run.element = element_bytes(inputs->workload.dtype);
    run.sequences = schedule->plan->copies * plan_copy_batch(schedule->plan);
    run.slabs = ARENA_ARRAY(arena, schedule->world, MeaningSlab);
    run.table = ARENA_ARRAY(arena, schedule->world, uint64_t *);
    for (int64_t r = 0; r < schedule->world; ++r) {
        run.slabs[r].arena = arena;
        run.table[r] = ARENA_ARRAY(arena, run.sequences, uint64_t);
        for (int64_t s = 0; s < run.sequences; ++s)
            run.table[r][s] = meaning_mix((uint64_t)s, 23);
    }
    return run;
}

uint64_t mutate_meaning(Arena *arena, const Schedule *schedule) {
    Arena scratch = {0};
    Run run = begin(&scratch, schedule);
    uint64_t meaning = 1;
    for (run.call = 0; meaning && run.call < CALLS; ++run.call) {
        WalkVisitor visitor = {.context = &run, .local = meaning_local, .meet = on_meet};
        WalkStuck stuck;
        run.step = run.call == 0 ? 0 : schedule->plan->steps.count - 1;
        run.results = ARENA_ARRAY(&scratch, run.sequences, uint64_t);
        run.ranks = ARENA_ARRAY(&scratch, schedule->world, MeaningRank);
        if (!walk_run(schedule, run.step, &visitor, &scratch, &stuck))
            meaning = 0;
        for (int64_t r = 0; meaning && r < schedule->world; ++r)
            if (!meaning_is_ordered(&schedule->ranks[r], &run.ranks[r]))
                meaning = 0;
        for (int64_t s = 0; meaning && s < run.sequences; ++s)
            meaning = meaning_mix(meaning, run.results[s]);
    }
    arena_free(&scratch);
    return meaning;
}
