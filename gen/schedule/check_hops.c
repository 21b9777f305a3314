/* check_hops: what goes between each owner and each holder of experts, followed from rank to rank through the stages
 * of an exchange. Each rank sends only what it had before the stage, none gets the same twice, and all that
 * is meant for a rank comes to it. */
#include "schedule/check_rules.h"

#include <string.h>

static const char *const directions[] = {"dispatch", "combine"};

/* The hops of each piece, chained in the order of the list. */
typedef struct Ways {
    int64_t *first, *last; /* [sources x targets], -1: none */
    int64_t *next;         /* [hops] */
} Ways;

static Ways ways_of(Check *check, const Exchange *exchange, bool back) {
    int64_t pairs = exchange->sources.count * exchange->targets.count;
    int64_t hops = exchange->hops[back].count;
    Ways ways = {ARENA_ARRAY(check->scratch, pairs, int64_t),
                 ARENA_ARRAY(check->scratch, pairs, int64_t),
                 ARENA_ARRAY(check->scratch, hops, int64_t)};
    memset(ways.first, 0xff, (size_t)pairs * sizeof *ways.first);
    for (int64_t i = 0; i < hops; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        int64_t pair = hop->source * exchange->targets.count + hop->target;
        ways.next[i] = -1;
        *(ways.first[pair] < 0 ? &ways.first[pair] : &ways.next[ways.last[pair]]) = i;
        ways.last[pair] = i;
    }
    return ways;
}

static void refuse(Check *check, const Exchange *exchange, const ExchangeHop *hop, bool back,
                   const char *why) {
    check_fail(check, CHECK_GATHER, "correct the stages of this move, or use a direct one",
               "exchange %s: in stage %lld of %s rank %lld sends rank %lld what goes from rank "
               "%lld to rank %lld, %s",
               exchange->name, (long long)hop->stage, directions[back], (long long)hop->from,
               (long long)hop->to, (long long)exchange_hop_start(exchange, hop, back),
               (long long)exchange_hop_end(exchange, hop, back), why);
}

/* Since which stage a rank has the piece of these hops: 0 from the start, 1 + stage of its coming; -1: never. */
static int64_t since(const Exchange *exchange, const Ways *ways, bool back, int64_t first,
                     int64_t until, int64_t rank) {
    if (rank == exchange_hop_start(exchange, &exchange->hops[back].items[first], back))
        return 0;
    for (int64_t i = first; i != until; i = ways->next[i])
        if (exchange->hops[back].items[i].to == rank)
            return 1 + exchange->hops[back].items[i].stage;
    return -1;
}

static void check_way(Check *check, const Exchange *exchange, const Ways *ways, bool back,
                      int64_t source, int64_t target) {
    int64_t first = ways->first[source * exchange->targets.count + target];
    ExchangeHop whole = {.source = source, .target = target};
    int64_t start = exchange_hop_start(exchange, &whole, back);
    int64_t end = exchange_hop_end(exchange, &whole, back);
    bool comes = start == end; /* what stays where it is needs no way */
    check_count(check, CHECK_GATHER, 1);
    for (int64_t i = first; i >= 0; i = ways->next[i]) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        int64_t had = since(exchange, ways, back, first, i, hop->from);
        if (had < 0 || had > hop->stage)
            refuse(check, exchange, hop, back, "which it does not have then");
        else if (since(exchange, ways, back, first, i, hop->to) >= 0)
            refuse(check, exchange, hop, back, "which that one has already");
        else if (exchange->mode == MODE_EXACT && hop->to != end)
            refuse(check, exchange, hop, back, "but is exact: nobody between would know how much");
        comes = comes || hop->to == end;
    }
    if (!comes)
        check_fail(check, CHECK_GATHER, "correct the stages of this move, or use a direct one",
                   "exchange %s: what %s moves from rank %lld to rank %lld never comes there",
                   exchange->name, directions[back], (long long)start, (long long)end);
}

void check_hops(Check *check) {
    for (int64_t e = 0; e < check->schedule->exchanges.count; ++e) {
        const Exchange *exchange = &check->schedule->exchanges.items[e];
        for (int back = 0; back < 2; ++back) {
            if (exchange->hops[back].count == 0)
                continue;
            ArenaMark mark = arena_mark(check->scratch);
            Ways ways = ways_of(check, exchange, back);
            for (int64_t s = 0; s < exchange->sources.count; ++s)
                for (int64_t t = 0; t < exchange->targets.count; ++t)
                    check_way(check, exchange, &ways, back, s, t);
            arena_rewind(check->scratch, mark);
        }
    }
}
