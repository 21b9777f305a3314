/* links: see links.h. A table of world x world bits is the working memory. */
#include "core/links.h"

#include <stdlib.h>
#include <string.h>

typedef struct Pairs {
    int64_t world;
    unsigned char *used; /* [world][world] bits */
} Pairs;

static void pair_add(Pairs *pairs, int32_t from, int32_t to) {
    int64_t at = from * pairs->world + to;
    if (from != to)
        pairs->used[at / 8] |= (unsigned char)(1u << (at % 8));
}

static bool pair_is(const Pairs *pairs, int64_t from, int64_t to) {
    int64_t at = from * pairs->world + to;
    return pairs->used[at / 8] >> (at % 8) & 1;
}

/* Both ways: what a ring of the members sends, and their results. */
static void channel_add(Pairs *pairs, const rt_channel *channel) {
    for (int32_t i = 0; i < channel->transfers; ++i)
        pair_add(pairs, channel->ranks[channel->transfer[i].from],
                 channel->ranks[channel->transfer[i].to]);
    for (int32_t i = 0; channel->own && i < channel->members; ++i) {
        int32_t next = channel->ranks[(i + 1) % channel->members];
        pair_add(pairs, channel->ranks[i], next);
        pair_add(pairs, next, channel->ranks[i]);
    }
}

static void exchange_add(Pairs *pairs, const rt_exchange *exchange) {
    for (int32_t h = 0; h < exchange->there_hops; ++h)
        pair_add(pairs, exchange->there[h].from, exchange->there[h].to);
    for (int32_t h = 0; h < exchange->back_hops; ++h)
        pair_add(pairs, exchange->back[h].from, exchange->back[h].to);
    for (int32_t s = 0; s < exchange->sources; ++s)
        for (int32_t t = 0; t < exchange->targets; ++t) {
            if (!exchange->there_hops)
                pair_add(pairs, exchange->source[s].rank, exchange->target[t].rank);
            if (!exchange->back_hops)
                pair_add(pairs, exchange->target[t].rank, exchange->source[s].rank);
        }
}

/* A channel of two ranks that own nothing carries what one sends the other: which way, it does not say. */
static bool pairs_find(Pairs *pairs, const rt_program *program) {
    pairs->world = program->world;
    pairs->used = calloc((size_t)(pairs->world * pairs->world / 8 + 1), 1);
    if (!pairs->used)
        return false;
    for (int32_t c = 0; c < program->channels; ++c) {
        const rt_channel *channel = &program->channel[c];
        channel_add(pairs, channel);
        if (channel->members == 2 && !channel->own && !channel->transfers) {
            pair_add(pairs, channel->ranks[0], channel->ranks[1]);
            pair_add(pairs, channel->ranks[1], channel->ranks[0]);
        }
    }
    for (int32_t e = 0; e < program->exchanges; ++e)
        exchange_add(pairs, &program->exchange[e]);
    return true;
}

static int64_t pairs_count(const Pairs *pairs) {
    int64_t count = 0;
    for (int64_t at = 0; at < pairs->world * pairs->world; ++at)
        count += pairs->used[at / 8] >> (at % 8) & 1;
    return count;
}

int64_t rt_links_count(const rt_program *program) {
    Pairs pairs;
    if (!pairs_find(&pairs, program))
        return -1;
    int64_t count = pairs_count(&pairs);
    free(pairs.used);
    return count;
}

/* --- what the topology says ----------------------------------------------------------------------------- */

static int32_t nic_of(const rt_program *program, const rt_place *place) {
    int32_t first = 0;
    for (int32_t n = 0; n < place->node; ++n)
        first += program->node[n].nics;
    const rt_node *node = &program->node[place->node];
    return first + (int32_t)((int64_t)place->gpu * node->nics / node->gpus);
}

static double least(double a, double b) {
    return a < b ? a : b;
}

static rt_link link_of(const rt_program *program, int32_t from, int32_t to) {
    const rt_place *a = &program->places[from], *b = &program->places[to];
    const rt_node *left = &program->node[a->node], *right = &program->node[b->node];
    rt_link link = {.from = from, .to = to, .nic_from = -1, .nic_to = -1};
    link.rate = least(left->link_rate, right->link_rate);
    link.seconds = left->link_seconds;
    if (a->node == b->node)
        return link;
    link.nic_from = nic_of(program, a);
    link.nic_to = nic_of(program, b);
    link.rate = least(link.rate, least(left->nic_rate, right->nic_rate));
    link.seconds = program->network_seconds;
    return link;
}

int32_t rt_links_nic_node(const rt_program *program, int32_t nic, int32_t *index) {
    int32_t node = 0;
    while (node + 1 < program->nodes && nic >= program->node[node].nics)
        nic -= program->node[node++].nics;
    *index = nic;
    return node;
}

double rt_links_nic_rate(const rt_links *links, const rt_program *program, int32_t nic, bool in) {
    int32_t index, node = rt_links_nic_node(program, nic, &index);
    double sum = 0;
    for (int64_t l = 0; l < links->count; ++l)
        if ((in ? links->link[l].nic_to : links->link[l].nic_from) == nic)
            sum += links->link[l].rate;
    return least(sum, program->node[node].nic_rate);
}

/* --- rounds --------------------------------------------------------------------------------------------- */

/* Each link into the first round where both its ranks are free. */
static bool rounds_find(rt_links *links, int64_t world) {
    int64_t left = links->count;
    bool *busy = calloc((size_t)world, sizeof *busy);
    links->round = calloc((size_t)links->count + 1, sizeof *links->round);
    if (!busy || !links->round) {
        free(busy);
        return false;
    }
    for (int64_t l = 0; l < links->count; ++l)
        links->round[l] = -1;
    for (; left > 0; links->rounds++) {
        memset(busy, 0, (size_t)world * sizeof *busy);
        for (int64_t l = 0; l < links->count; ++l) {
            const rt_link *link = &links->link[l];
            if (links->round[l] >= 0 || busy[link->from] || busy[link->to])
                continue;
            links->round[l] = links->rounds;
            busy[link->from] = busy[link->to] = true;
            --left;
        }
    }
    free(busy);
    return true;
}

bool rt_links_find(rt_links *links, const rt_program *program) {
    Pairs pairs;
    *links = (rt_links){0};
    if (!pairs_find(&pairs, program))
        return false;
    links->link = calloc((size_t)pairs_count(&pairs) + 1, sizeof *links->link);
    for (int32_t from = 0; links->link && from < program->world; ++from)
        for (int32_t to = 0; to < program->world; ++to)
            if (pair_is(&pairs, from, to))
                links->link[links->count++] = link_of(program, from, to);
    free(pairs.used);
    for (int32_t n = 0; n < program->nodes; ++n)
        links->nics += program->node[n].nics;
    if (links->link && rounds_find(links, program->world))
        return true;
    rt_links_free(links);
    return false;
}

void rt_links_free(rt_links *links) {
    free(links->link);
    free(links->round);
    *links = (rt_links){0};
}
