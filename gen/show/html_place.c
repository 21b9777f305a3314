/* html_place: who holds what, and what memory is spent on. Scratch is freed before return. */
#include "holds.h"
#include "html_parts.h"
#include "words.h"

#include <string.h>

void html_put_nodes(Jsonw *json, const Plan *plan) {
    const Topology *topology = &plan->inputs.topology;
    jsonw_key(json, "network");
    jsonw_object(json, true);
    html_put_real(json, "latency", topology->network.latency);
    html_put_real(json, "oversubscription", topology->network.oversubscription);
    jsonw_key_string(json, "type", topology->network.type);
    jsonw_end(json);
    jsonw_key(json, "nodes");
    jsonw_array(json, false);
    for (int64_t node = 0; node < topology_node_count(topology); ++node) {
        const TopologyNode *kind = topology_node(topology, node);
        jsonw_object(json, true);
        jsonw_key_string(json, "gpu", kind->gpu.type);
        jsonw_key_int(json, "gpus", kind->gpus);
        jsonw_key_string(json, "kind", kind->name);
        jsonw_key_string(json, "link", kind->link.type);
        html_put_real(json, "link_rate", kind->link.bandwidth);
        jsonw_key_int(json, "memory", kind->gpu.memory);
        html_put_real(json, "nic_rate", kind->nic_bandwidth);
        jsonw_key_int(json, "nics", kind->nics);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void put_rank(Jsonw *json, const Schedule *schedule, const Place *place) {
    const Plan *plan = schedule->plan;
    const PlanRank *at = &plan->ranks.items[place->rank];
    Buf experts = {0};
    holds_experts(place, &plan->inputs.model, &experts);
    jsonw_object(json, true);
    jsonw_key_int(json, "copy", place->copy);
    html_put_range(json, "dense", place->dense);
    html_put_range(json, "embedding", place->embedding);
    jsonw_key_string(json, "experts", experts.data);
    jsonw_key_int(json, "gpu", at->gpu);
    jsonw_key_int(json, "group", place->group ? place->group_index : -1);
    html_put_range(json, "head", place->head);
    html_put_range(json, "heads", place->heads);
    html_put_range(json, "kv", place->kv);
    html_put_range(json, "layers", place->layers);
    jsonw_key_int(json, "node", at->node);
    jsonw_key_int(json, "rank", place->rank);
    html_put_range(json, "sequences", holds_sequences(plan, place));
    html_put_range(json, "shared", place->shared);
    jsonw_key_int(json, "sort", holds_sort(place));
    jsonw_end(json);
    buf_free(&experts);
}

void html_put_ranks(Jsonw *json, const Schedule *schedule) {
    Arena scratch = {0};
    const Place *places = place_all(&scratch, schedule->plan);
    jsonw_key(json, "ranks");
    jsonw_array(json, false);
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        put_rank(json, schedule, &places[rank]);
    jsonw_end(json);
    arena_free(&scratch);
}

/* Equal but for the rank. */
static bool same_row(const LedgerRow *a, const LedgerRow *b) {
    LedgerRow other = *b;
    other.rank = a->rank;
    return memcmp(a, &other, sizeof other) == 0;
}

void html_put_memory(Jsonw *json, const Ledger *ledger) {
    Arena scratch = {0};
    Buf ranks = {0};
    jsonw_key(json, "memory");
    jsonw_array(json, false);
    for (int64_t i = 0; i < ledger->count; ++i) {
        const LedgerRow *row = &ledger->rows[i];
        IntList alike = {0};
        bool before = false;
        for (int64_t k = 0; k < ledger->count; ++k) {
            if (!same_row(row, &ledger->rows[k]))
                continue;
            before = before || k < i;
            *(int64_t *)LIST_PUSH(&scratch, &alike) = ledger->rows[k].rank;
        }
        if (before)
            continue;
        const int64_t values[] = {row->weights, row->state,     row->activations,
                                  row->windows, row->workspace, row->padding};
        buf_clear(&ranks);
        words_ranks(alike.items, alike.count, &ranks);
        jsonw_object(json, true);
        jsonw_key_int(json, "capacity", row->capacity);
        jsonw_key_string(json, "ranks", ranks.data);
        jsonw_key_int(json, "total", row->total);
        html_put_ints(json, "values", values, sizeof values / sizeof *values);
        jsonw_end(json);
    }
    jsonw_end(json);
    buf_free(&ranks);
    arena_free(&scratch);
}
