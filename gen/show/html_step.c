/* html_step: what the simulation says of a step. Scratch is freed before return. */
#include "html_parts.h"
#include "path.h"
#include "traffic.h"

#include <math.h>

enum { PAIRS_BY_RANK = 64 }; /* of more ranks, bytes are told from node to node */

/* --- times
 * -------------------------------------------------------------------------------------------- */

static void put_bound(Jsonw *json, const SimulatedBound *bound) {
    jsonw_key(json, "bound");
    jsonw_object(json, true);
    html_put_real(json, "chain", bound->chain);
    html_put_real(json, "compute", bound->compute);
    html_put_real(json, "memory", bound->memory);
    html_put_real(json, "network", bound->network);
    html_put_real(json, "seconds", bound->seconds);
    jsonw_end(json);
}

static void put_shares(Jsonw *json, const HtmlPage *page, const SimulatedStep *of) {
    SimulatedShares shares = simulate_shares(page->schedule, of);
    jsonw_key(json, "shares");
    jsonw_object(json, true);
    html_put_real(json, "computing", shares.computing);
    html_put_real(json, "memory", shares.memory);
    html_put_real(json, "utilisation", shares.utilisation);
    jsonw_end(json);
}

/* --- moves
 * -------------------------------------------------------------------------------------------- */

static void put_moves(Jsonw *json, const HtmlPage *page, const SimulatedStep *of,
                      const Traffic *traffic) {
    jsonw_key(json, "moves");
    jsonw_array(json, false);
    for (int64_t move = 0; move < SIMULATE_MOVES; ++move) {
        double moving = 0, exposed = 0, all = 0, open = 0; /* most of a rank; of all ranks */
        for (int64_t rank = 0; rank < page->schedule->world; ++rank) {
            moving = fmax(moving, of->ranks[rank].moving[move]);
            exposed = fmax(exposed, of->ranks[rank].exposed[move]);
            all += of->ranks[rank].moving[move];
            open += of->ranks[rank].exposed[move];
        }
        if (moving <= 0)
            continue;
        jsonw_object(json, true);
        jsonw_key_int(json, "bytes", traffic_total(traffic, move));
        html_put_real(json, "exposed", exposed);
        html_put_real(json, "hidden", 1 - open / all);
        html_put_real(json, "moving", moving);
        jsonw_key_string(json, "name", plan_move_names[move]);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* Bytes [from, to, bytes], of pairs that move any. */
static void put_pairs(Jsonw *json, const HtmlPage *page, const Traffic *traffic) {
    Arena scratch = {0};
    const Plan *plan = page->schedule->plan;
    int64_t world = page->schedule->world, nodes = topology_node_count(&plan->inputs.topology);
    bool by_rank = world <= PAIRS_BY_RANK;
    int64_t count = by_rank ? world : nodes;
    int64_t *bytes = ARENA_ARRAY(&scratch, count * count, int64_t);
    for (int64_t from = 0; from < world; ++from)
        for (int64_t to = 0; to < world; ++to) {
            int64_t a = by_rank ? from : plan->ranks.items[from].node;
            int64_t b = by_rank ? to : plan->ranks.items[to].node;
            bytes[a * count + b] += traffic->bytes[from * world + to];
        }
    jsonw_key(json, "pairs");
    jsonw_array(json, true);
    for (int64_t i = 0; i < count * count; ++i) {
        if (bytes[i] == 0)
            continue;
        jsonw_array(json, true);
        jsonw_int(json, i / count);
        jsonw_int(json, i % count);
        jsonw_int(json, bytes[i]);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key_string(json, "pairs_of", by_rank ? "rank" : "node");
    arena_free(&scratch);
}

static void put_resources(Jsonw *json, const HtmlPage *page, const SimulatedStep *of) {
    jsonw_key(json, "resources");
    jsonw_array(json, false);
    for (int64_t i = 0; i < cost_resource_count(page->schedule); ++i) {
        CostResource resource = cost_resource(page->schedule, i);
        if (of->resources[i].bytes <= 0)
            continue;
        jsonw_object(json, true);
        html_put_real(json, "busy", of->resources[i].busy);
        html_put_real(json, "bytes", of->resources[i].bytes);
        html_put_real(json, "capacity", cost_capacity(page->schedule, i, COST_EXPECTED));
        jsonw_key(json, "in");
        jsonw_bool(json, resource.in);
        jsonw_key_int(json, "node", resource.node);
        html_put_real(json, "peak", of->resources[i].peak);
        jsonw_key_int(json, "rank", resource.rank);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* --- critical path
 * ------------------------------------------------------------------------------------- */

static void put_path(Jsonw *json, const HtmlPage *page, const SimulatedStep *of) {
    Arena scratch = {0};
    PathKinds kinds = path_kinds(&scratch, page->schedule, of, true);
    jsonw_key(json, "path");
    jsonw_array(json, false);
    for (int64_t k = 0; k < kinds.count; ++k) {
        jsonw_object(json, true);
        jsonw_key_int(json, "count", kinds.items[k].count);
        jsonw_key_string(json, "kind", op_info[kinds.items[k].kind].name);
        jsonw_key_string(json, "part", plan_part_names[kinds.items[k].part]);
        html_put_real(json, "seconds", kinds.items[k].seconds);
        jsonw_end(json);
    }
    jsonw_end(json);
    arena_free(&scratch);
}

/* --- beside what was run
 * ------------------------------------------------------------------------------- */

/* [kind, low, expected, high] of the simulation. */
static void put_predicted(Jsonw *json, const HtmlPage *page, int64_t step) {
    CompareStep of[COST_CASES];
    for (int at = 0; at < COST_CASES; ++at) {
        Arena scratch = {0};
        Timeline line = simulate_timeline(&scratch, page->schedule, step, (CostCase)at);
        of[at] = compare_simulated(page->schedule, &line);
        arena_free(&scratch);
    }
    jsonw_key(json, "predicted");
    jsonw_array(json, false);
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        if (of[COST_EXPECTED].kinds[kind].ranks == 0)
            continue;
        jsonw_array(json, true);
        jsonw_string(json, op_info[kind].name);
        for (int at = 0; at < COST_CASES; ++at)
            jsonw_real(json, of[at].kinds[kind].seconds);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void put_record(Jsonw *json, const CompareRecord *record, int64_t step) {
    const CompareStep *of = &record->steps[step];
    jsonw_object(json, false);
    jsonw_key(json, "kinds");
    jsonw_array(json, false);
    for (int kind = 0; kind < OP_KINDS; ++kind) {
        if (of->kinds[kind].ranks == 0)
            continue;
        jsonw_array(json, true);
        jsonw_string(json, op_info[kind].name);
        jsonw_real(json, of->kinds[kind].seconds);
        jsonw_end(json);
    }
    jsonw_end(json);
    html_put_real(json, "least", of->least);
    html_put_real(json, "median", of->median);
    html_put_real(json, "most", of->most);
    jsonw_key_string(json, "name", record->name);
    jsonw_key_int(json, "runs", of->runs);
    jsonw_end(json);
}

static void put_records(Jsonw *json, const HtmlPage *page, int64_t step) {
    if (page->record_count > 0)
        put_predicted(json, page, step);
    jsonw_key(json, "records");
    jsonw_array(json, false);
    for (int64_t i = 0; i < page->record_count; ++i)
        if (page->records[i].steps[step].runs > 0)
            put_record(json, &page->records[i], step);
    jsonw_end(json);
}

/* --- the step
 * ------------------------------------------------------------------------------------------ */

void html_put_step(Jsonw *json, const HtmlPage *page, int64_t step) {
    Arena scratch = {0};
    const PlanStep *of = &page->schedule->plan->steps.items[step];
    const SimulatedStep *simulated = &page->simulation->steps[COST_EXPECTED][step];
    Traffic traffic = traffic_of(&scratch, page->schedule, step);
    Timeline line = simulate_timeline(&scratch, page->schedule, step, COST_EXPECTED);
    double seconds[COST_CASES];
    for (int at = 0; at < COST_CASES; ++at)
        seconds[at] = page->simulation->steps[at][step].makespan;
    jsonw_object(json, false);
    put_bound(json, &simulated->bound);
    jsonw_key(json, "line");
    html_put_line(json, page->schedule, &line);
    jsonw_key_int(json, "microbatches", of->microbatches);
    put_moves(json, page, simulated, &traffic);
    jsonw_key_string(json, "name", of->name);
    put_pairs(json, page, &traffic);
    put_path(json, page, simulated);
    jsonw_key_string(json, "phase", plan_phase_names[of->phase]);
    put_records(json, page, step);
    put_resources(json, page, simulated);
    html_put_interval(json, "seconds", seconds);
    put_shares(json, page, simulated);
    jsonw_key_int(json, "tokens", of->tokens);
    jsonw_end(json);
    arena_free(&scratch);
}
