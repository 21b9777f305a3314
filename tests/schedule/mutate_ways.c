/* mutate_ways: operators over channels, exchanges, their hops and the tables of routes. */
#include "mutate.h"

#include <string.h>

/* --- channels ----------------------------------------------------------------------------------------- */

/* Breaks a channel in the variant-th way at its index-th item; called to count with apply false. */
typedef bool (*ChannelEdit)(Mutant *m, Channel *channel, int64_t index, int64_t variant,
                            bool apply);

static void each_channel(Mutant *m, int64_t variants, ChannelEdit edit) {
    for (int64_t c = 0; c < m->schedule->channels.count; ++c) {
        Channel *channel = &m->schedule->channels.items[c];
        int64_t most = channel->ranks.count > channel->transfers.count ? channel->ranks.count
                                                                       : channel->transfers.count;
        for (int64_t i = 0; i < most; ++i)
            for (int64_t v = 0; v < variants; ++v)
                if (edit(m, channel, i, v, false) &&
                    mutate_here(m, "channel %s, item %lld, variant %lld", channel->name,
                                (long long)i, (long long)v)) {
                    edit(m, channel, i, v, true);
                    return;
                }
    }
}

static bool edit_member(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    if (i >= channel->ranks.count)
        return false;
    if (apply) {
        MUTATE_DROP(&channel->ranks, i);
        if (i < channel->own.count)
            MUTATE_DROP(&channel->own, i);
    }
    return true;
}
static bool edit_joins(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    int64_t rank = 0;
    for (int64_t k = 0; k < channel->ranks.count; ++k)
        if (channel->ranks.items[k] == rank)
            ++rank;
    if (i > 0 || rank >= m->schedule->world)
        return false;
    if (apply) {
        int64_t at = 0;
        while (at < channel->ranks.count && channel->ranks.items[at] < rank)
            ++at;
        MUTATE_DOUBLE(m->arena, &channel->ranks, at);
        channel->ranks.items[at] = rank;
        if (channel->own.count > 0)
            *(Range *)LIST_PUSH(m->arena, &channel->own) = (Range){0, 0};
    }
    return true;
}
static bool edit_own(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    if (i >= channel->own.count)
        return false;
    Range *own = &channel->own.items[i];
    if (apply)
        *(v < 2 ? &own->begin : &own->end) += v % 2 ? 1 : -1;
    return own->end <= channel->pieces && own->begin >= 0;
}
static bool edit_own_swap(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    if (i + 1 >= channel->own.count ||
        channel->own.items[i].begin == channel->own.items[i + 1].begin)
        return false;
    if (apply)
        MUTATE_SWAP(Range, channel->own.items[i], channel->own.items[i + 1]);
    return true;
}
static bool edit_pieces(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    const int64_t to[] = {channel->pieces + 1, channel->pieces - 1, 2 * channel->pieces};
    if (i > 0 || channel->is_exchange || channel->is_pair)
        return false;
    if (apply)
        channel->pieces = to[v];
    return true;
}
static bool edit_sort(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    bool *flag = v ? &channel->is_pair : &channel->is_exchange;
    if (apply)
        *flag = !*flag;
    return i == 0;
}
static bool edit_move(Mutant *m, Channel *channel, int64_t i, int64_t v, bool apply) {
    if (apply)
        channel->move = (channel->move + 1 + v) % (MOVE_HANDOVER + 1);
    return i == 0;
}

static void member(Mutant *m) {
    each_channel(m, 1, edit_member);
}
static void joins(Mutant *m) {
    each_channel(m, 1, edit_joins);
}
static void own(Mutant *m) {
    each_channel(m, 4, edit_own);
}
static void own_swap(Mutant *m) {
    each_channel(m, 1, edit_own_swap);
}
static void pieces(Mutant *m) {
    each_channel(m, 3, edit_pieces);
}
static void sort(Mutant *m) {
    each_channel(m, 2, edit_sort);
}
static void move(Mutant *m) {
    each_channel(m, 3, edit_move);
}

/* --- exchanges ---------------------------------------------------------------------------------------- */

typedef bool (*ExchangeEdit)(Mutant *m, Exchange *exchange, int64_t index, int64_t variant,
                             bool apply);

static void each_exchange(Mutant *m, int64_t variants, ExchangeEdit edit) {
    for (int64_t e = 0; e < m->schedule->exchanges.count; ++e) {
        Exchange *exchange = &m->schedule->exchanges.items[e];
        int64_t most = exchange->sources.count + exchange->targets.count + exchange->hops[0].count +
                       exchange->hops[1].count;
        for (int64_t i = 0; i < most; ++i)
            for (int64_t v = 0; v < variants; ++v)
                if (edit(m, exchange, i, v, false) &&
                    mutate_here(m, "exchange %s, item %lld, variant %lld", exchange->name,
                                (long long)i, (long long)v)) {
                    edit(m, exchange, i, v, true);
                    return;
                }
    }
}

static bool edit_mode(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (apply)
        exchange->mode = exchange->mode == MODE_EXACT ? MODE_PADDED : MODE_EXACT;
    return i == 0;
}
static bool edit_chunk(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    const int64_t to[] = {-1, exchange->chunk + 1, INT64_MAX};
    if (apply)
        exchange->chunk = to[v];
    return i == 0;
}
static bool edit_in_flight(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    const int64_t to[] = {0, -1, exchange->in_flight + 1};
    if (apply)
        exchange->in_flight = to[v];
    return i == 0;
}
static bool edit_identity(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    int64_t *field = v / 2 == 0   ? &exchange->step
                     : v / 2 == 1 ? &exchange->microbatch
                                  : &exchange->copy;
    if (apply)
        *field += v % 2 ? 1 : -1;
    return i == 0;
}
static bool edit_local(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (apply)
        exchange->local = !exchange->local;
    return i == 0;
}
static bool edit_source(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= exchange->sources.count)
        return false;
    ExchangeSource *source = &exchange->sources.items[i];
    int64_t *field = v / 2 == 0 ? &source->rows.begin : &source->rows.end;
    if (apply && v < 4)
        *field += v % 2 ? 1 : -1;
    if (apply && v >= 4) {
        source->rows.begin += v == 4 ? 1 : -1;
        source->rows.end += v == 4 ? 1 : -1;
    }
    return true;
}
static bool edit_sequence(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= exchange->sources.count)
        return false;
    ExchangeSource *source = &exchange->sources.items[i];
    if (apply)
        *(v < 2 ? &source->first_sequence : &source->tokens) += v % 2 ? 1 : -1;
    return true;
}
static bool edit_no_source(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= exchange->sources.count || exchange->sources.count == 1)
        return false;
    if (apply)
        MUTATE_DROP(&exchange->sources, i);
    return true;
}
static bool edit_no_target(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= exchange->targets.count || exchange->targets.count == 1)
        return false;
    if (apply)
        MUTATE_DROP(&exchange->targets, i);
    return true;
}
static bool edit_slots(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= exchange->targets.count)
        return false;
    if (apply)
        exchange->targets.items[i].slots += v ? 1 : -1;
    return true;
}
/* A source or a target stands for another rank. */
static bool edit_end_rank(Mutant *m, Exchange *exchange, int64_t i, int64_t v, bool apply) {
    if (i >= (v ? exchange->targets.count : exchange->sources.count))
        return false;
    int64_t *rank = v ? &exchange->targets.items[i].rank : &exchange->sources.items[i].rank;
    if (apply)
        ++*rank;
    return true;
}

static void mode(Mutant *m) {
    each_exchange(m, 1, edit_mode);
}
static void chunk(Mutant *m) {
    each_exchange(m, 3, edit_chunk);
}
static void in_flight(Mutant *m) {
    each_exchange(m, 3, edit_in_flight);
}
static void identity(Mutant *m) {
    each_exchange(m, 6, edit_identity);
}
static void local(Mutant *m) {
    each_exchange(m, 1, edit_local);
}
static void source(Mutant *m) {
    each_exchange(m, 6, edit_source);
}
static void sequence(Mutant *m) {
    each_exchange(m, 4, edit_sequence);
}
static void no_source(Mutant *m) {
    each_exchange(m, 1, edit_no_source);
}
static void no_target(Mutant *m) {
    each_exchange(m, 1, edit_no_target);
}
static void slots(Mutant *m) {
    each_exchange(m, 2, edit_slots);
}
static void end_rank(Mutant *m) {
    each_exchange(m, 2, edit_end_rank);
}

/* --- hops --------------------------------------------------------------------------------------------- */

static void each_hop(Mutant *m, int64_t variants,
                     bool (*edit)(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v,
                                  bool apply)) {
    for (int64_t e = 0; e < m->schedule->exchanges.count; ++e) {
        Exchange *exchange = &m->schedule->exchanges.items[e];
        for (int back = 0; back < 2; ++back)
            for (int64_t i = 0; i < exchange->hops[back].count; ++i)
                for (int64_t v = 0; v < variants; ++v)
                    if (edit(m, exchange, back, i, v, false) &&
                        mutate_here(m, "exchange %s, hop %lld %s, variant %lld", exchange->name,
                                    (long long)i, back ? "back" : "there", (long long)v)) {
                        edit(m, exchange, back, i, v, true);
                        return;
                    }
    }
}

static bool edit_no_hop(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v,
                        bool apply) {
    if (apply)
        MUTATE_DROP(&exchange->hops[back], i);
    return true;
}
static bool edit_hop_twice(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v,
                           bool apply) {
    if (apply)
        MUTATE_DOUBLE(m->arena, &exchange->hops[back], i);
    return true;
}
static bool edit_hop(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v, bool apply) {
    ExchangeHop *hop = &exchange->hops[back].items[i];
    int64_t *const fields[] = {&hop->from, &hop->to, &hop->source, &hop->target, &hop->stage};
    if (apply)
        *fields[v / 2] += v % 2 ? 1 : -1;
    return true;
}
static bool edit_hop_reversed(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v,
                              bool apply) {
    ExchangeHop *hop = &exchange->hops[back].items[i];
    if (apply)
        MUTATE_SWAP(int64_t, hop->from, hop->to);
    return true;
}
/* Neighbours in the list: their rows lie in that order where they are passed on. */
static bool edit_hop_swap(Mutant *m, Exchange *exchange, bool back, int64_t i, int64_t v,
                          bool apply) {
    if (i + 1 >= exchange->hops[back].count)
        return false;
    if (apply)
        MUTATE_SWAP(ExchangeHop, exchange->hops[back].items[i], exchange->hops[back].items[i + 1]);
    return true;
}
static void no_hop(Mutant *m) {
    each_hop(m, 1, edit_no_hop);
}
static void hop_twice(Mutant *m) {
    each_hop(m, 1, edit_hop_twice);
}
static void hop(Mutant *m) {
    each_hop(m, 10, edit_hop);
}
static void hop_reversed(Mutant *m) {
    each_hop(m, 1, edit_hop_reversed);
}
static void hop_swap(Mutant *m) {
    each_hop(m, 1, edit_hop_swap);
}
static void no_hops(Mutant *m) {
    for (int64_t e = 0; e < m->schedule->exchanges.count; ++e)
        for (int back = 0; back < 2; ++back)
            if (m->schedule->exchanges.items[e].hops[back].count > 0 &&
                mutate_here(m, "exchange %s, direction %d", m->schedule->exchanges.items[e].name,
                            back)) {
                m->schedule->exchanges.items[e].hops[back].count = 0;
                return;
            }
}

/* --- routes ------------------------------------------------------------------------------------------- */

static void each_route(Mutant *m, int64_t variants,
                       bool (*edit)(Mutant *m, RouteTable *table, int64_t cell, int64_t v,
                                    bool apply)) {
    for (int64_t t = 0; t < m->schedule->routes.count; ++t) {
        RouteTable *table = &m->schedule->routes.items[t];
        int64_t cells = table->rows * m->schedule->experts * table->parts;
        for (int64_t i = 0; i < cells; ++i)
            for (int64_t v = 0; v < variants; ++v)
                if (edit(m, table, i, v, false) &&
                    mutate_here(m, "route table %lld, cell %lld, variant %lld", (long long)t,
                                (long long)i, (long long)v)) {
                    edit(m, table, i, v, true);
                    return;
                }
    }
}

static bool edit_target(Mutant *m, RouteTable *table, int64_t i, int64_t v, bool apply) {
    const int64_t to[] = {table->target[i] + 1, table->target[i] - 1, -1};
    if (to[v] == table->target[i])
        return false;
    if (apply)
        table->target[i] = to[v];
    return true;
}
static bool edit_slot(Mutant *m, RouteTable *table, int64_t i, int64_t v, bool apply) {
    if (apply)
        table->slot[i] += v ? 1 : -1;
    return table->target[i] >= 0;
}
static bool edit_cells_swap(Mutant *m, RouteTable *table, int64_t i, int64_t v, bool apply) {
    int64_t cells = table->rows * m->schedule->experts * table->parts;
    int64_t other = i + (v ? table->parts : 1);
    if (other >= cells || (v == 0 && table->parts == 1))
        return false;
    if (table->target[i] == table->target[other] && table->slot[i] == table->slot[other])
        return false;
    if (apply) {
        MUTATE_SWAP(int64_t, table->target[i], table->target[other]);
        MUTATE_SWAP(int64_t, table->slot[i], table->slot[other]);
    }
    return true;
}
static void target(Mutant *m) {
    each_route(m, 3, edit_target);
}
static void slot(Mutant *m) {
    each_route(m, 2, edit_slot);
}
static void cells_swap(Mutant *m) {
    each_route(m, 2, edit_cells_swap);
}
static void row_of(Mutant *m) {
    for (int64_t t = 0; t < m->schedule->routes.count; ++t)
        for (int64_t layer = 0; layer < m->plan->inputs.model.layers; ++layer)
            for (int v = 0; v < 2; ++v)
                if (mutate_here(m, "route table %lld, layer %lld, variant %d", (long long)t,
                                (long long)layer, v)) {
                    m->schedule->routes.items[t].row_of[layer] += v ? 1 : -1;
                    return;
                }
}
static void parts(Mutant *m) {
    for (int64_t t = -1; t < m->schedule->routes.count; ++t)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "route table %lld, variant %d", (long long)t, v)) {
                *(t < 0 ? &m->schedule->parts : &m->schedule->routes.items[t].parts) += v ? 1 : -1;
                return;
            }
}

static const MutantOperator operators[] = {
    {"channel-member", "a channel lacks a member", member, "no move is on the channel"},
    {"channel-joins", "a channel has one more member", joins, "no move is on the channel"},
    {"channel-own", "the pieces of a member begin or end one off", own,
     "no move is on the channel, or the piece is empty"},
    {"channel-own-swap", "two members have each other's pieces", own_swap,
     "no move is on the channel, or the pieces are empty"},
    {"channel-pieces", "the payload is cut in other pieces", pieces,
     "no move is on the channel, or all is moved as one"},
    {"channel-sort", "a channel is an exchange's or a pair's, or no longer", sort,
     "no move is on the channel"},
    {"channel-move", "a channel is of another move", move,
     "no move is on the channel, or what it moves is of both sorts"},
    {"exchange-mode", "an exchange is padded instead of exact, or the reverse", mode, NULL},
    {"exchange-chunk", "an exchange goes in other chunks", chunk, NULL},
    {"exchange-in-flight", "an exchange has another number of transfers under way", in_flight,
     NULL},
    {"exchange-identity", "an exchange is of another step, micro-batch or copy", identity, NULL},
    {"exchange-local", "an exchange is within one rank, or no longer", local, NULL},
    {"exchange-rows", "the rows of a source begin or end one off", source, NULL},
    {"exchange-sequence", "the sequences of a source are others", sequence, NULL},
    {"exchange-source", "an exchange lacks a source", no_source, NULL},
    {"exchange-target", "an exchange lacks a target", no_target, NULL},
    {"exchange-slots", "a target has a slot more or less", slots, NULL},
    {"exchange-rank", "an end of an exchange is another rank", end_rank, NULL},
    {"hop-drop", "a hop is left out", no_hop, NULL},
    {"hop-twice", "a hop is made twice", hop_twice, NULL},
    {"hop-redirect", "a hop has another rank, piece or stage", hop,
     "the hop is as early as it can be, or as late"},
    {"hop-reverse", "a hop goes the other way", hop_reversed, NULL},
    {"hop-swap", "two hops change places in the list", hop_swap,
     "hops of a stage happen at once, and room is laid out by the list that all ranks share"},
    {"hops-drop", "a direction has no hops: all goes at once", no_hops,
     "nothing is passed on: every pair sends directly"},
    {"route-target", "a part of an expert is with another target, or nowhere", target,
     "another replica of the expert, at the same slot"},
    {"route-slot", "a part of an expert is in another slot", slot, NULL},
    {"route-swap", "two parts or experts have each other's place", cells_swap, NULL},
    {"route-row", "a layer has the routes of another", row_of,
     "a layer that routes nothing on this rank, or experts that lie alike"},
    {"route-parts", "experts have another number of parts", parts, NULL},
};

const MutantTable mutate_ways_table = {OF_SCHEDULE, operators,
                                       sizeof operators / sizeof *operators};
