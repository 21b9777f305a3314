/* hops: the ways of an exchange whose rows go in stages, perhaps by ranks that pass them on. What a rank passes on
 * lies in the order of the list, each piece with room for its whole window. */
#include "schedule/schedule.h"

int64_t exchange_hop_start(const Exchange *exchange, const ExchangeHop *hop, bool back) {
    return back ? exchange->targets.items[hop->target].rank
                : exchange->sources.items[hop->source].rank;
}

int64_t exchange_hop_end(const Exchange *exchange, const ExchangeHop *hop, bool back) {
    return exchange_hop_start(exchange, hop, !back);
}

int64_t exchange_hop_rows(const Exchange *exchange, const ExchangeHop *hop, bool back,
                          int64_t top_k) {
    return back ? exchange_return_rows(exchange, hop->source, hop->target, top_k)
                : exchange_source_rows(exchange, hop->source);
}

int64_t exchange_relay_rows(const Exchange *exchange, int64_t rank, bool back, int64_t top_k) {
    int64_t rows = 0;
    bool relays = false;
    for (int64_t i = 0; i < exchange->hops[back].count; ++i) {
        const ExchangeHop *hop = &exchange->hops[back].items[i];
        bool passed = hop->to != exchange_hop_end(exchange, hop, back);
        relays = relays || passed;
        if (passed && hop->to == rank)
            rows += exchange_hop_rows(exchange, hop, back, top_k);
    }
    return relays ? rows : -1;
}
