/* explain: paragraphs of at most 100 columns. Scratch is freed before return. */
#include "show/explain.h"

#include "holds.h"
#include "path.h"
#include "schedule/walk.h"
#include "words.h"

#include <math.h>
#include <string.h>

enum { PATH_TOLD = 5 }; /* kinds of operations told of a critical path; others are summed */

typedef struct Explainer {
    Arena *scratch;
    const Schedule *schedule;
    const Simulation *simulation;
    const Ledger *ledger;
    Buf paragraph;
    Buf *out;
} Explainer;

/* The paragraph so far, indented. */
static void end_paragraph(Explainer *explainer, int indent) {
    size_t line = explainer->out->length;
    buf_printf(explainer->out, "%*s", 2, "");
    words_wrap(explainer->paragraph.data, line, indent, explainer->out);
    buf_putc(explainer->out, '\n');
    buf_clear(&explainer->paragraph);
}

/* --- what bounds a step
 * --------------------------------------------------------------------------------- */

typedef struct Limit {
    const char *name, *words;
    double seconds;
} Limit;

static Limit limit_of(const SimulatedBound *bound) {
    const Limit limits[] = {
        {"chain", "the chain of operations that depend on each other", bound->chain},
        {"compute", "the arithmetic of the busiest GPU", bound->compute},
        {"memory", "the memory traffic of the busiest GPU", bound->memory},
        {"network", "the bytes of the busiest link or NICs", bound->network}};
    Limit most = limits[0];
    for (size_t i = 1; i < sizeof limits / sizeof *limits; ++i)
        if (limits[i].seconds > most.seconds)
            most = limits[i];
    return most;
}

/* --- why
 * ---------------------------------------------------------------------------------------------- */

/* Did the planner weigh separating attention from experts? It says so in its reasons. */
static bool separation_weighed(const Plan *plan) {
    for (int64_t i = 0; i < plan->why.count; ++i)
        if (strncmp(plan->why.items[i].choice, "separation ", 11) == 0)
            return true;
    return false;
}

/* Choices without an alternative and of one reason, as "as asked for", are told together. */
static bool same_reason(const PlanWhy *a, const PlanWhy *b) {
    return !(a->runner_up && *a->runner_up) && !(b->runner_up && *b->runner_up) &&
           strcmp(a->reason, b->reason) == 0;
}

static bool told_before(const Plan *plan, int64_t index) {
    for (int64_t i = 0; i < index; ++i)
        if (same_reason(&plan->why.items[i], &plan->why.items[index]))
            return true;
    return false;
}

static void tell_why(Explainer *explainer) {
    const Plan *plan = explainer->schedule->plan;
    buf_puts(explainer->out, "\nwhy it is so\n");
    if (plan->why.count == 0) {
        buf_puts(&explainer->paragraph, "The plan gives no reasons.");
        end_paragraph(explainer, 2);
    }
    for (int64_t i = 0; i < plan->why.count; ++i) {
        const PlanWhy *why = &plan->why.items[i];
        if (told_before(plan, i))
            continue;
        buf_puts(&explainer->paragraph, why->choice);
        for (int64_t k = i + 1; k < plan->why.count; ++k)
            if (same_reason(why, &plan->why.items[k]))
                buf_printf(&explainer->paragraph, ", %s", plan->why.items[k].choice);
        buf_printf(&explainer->paragraph, ": %s.", why->reason);
        if (why->runner_up && *why->runner_up)
            buf_printf(&explainer->paragraph, " Next best: %s.", why->runner_up);
        end_paragraph(explainer, 4);
    }
    if (!separation_weighed(plan)) {
        buf_puts(&explainer->paragraph,
                 "Whether attention and experts on ranks of their own would pay was not asked for "
                 "this plan: gen plan -s auto prices both.");
        end_paragraph(explainer, 4);
    }
}

/* --- where time goes
 * ----------------------------------------------------------------------------------- */

static void put_seconds(Explainer *explainer, double seconds) {
    words_seconds(seconds, &explainer->paragraph);
}

static void tell_bound(Explainer *explainer, int64_t step) {
    const Simulation *simulation = explainer->simulation;
    const SimulatedStep *of = &simulation->steps[COST_EXPECTED][step];
    Limit limit = limit_of(&of->bound);
    Buf *text = &explainer->paragraph;
    buf_printf(text, "A run of the step %s takes ",
               explainer->schedule->plan->steps.items[step].name);
    put_seconds(explainer, of->makespan);
    buf_puts(text, " (");
    put_seconds(explainer, simulation->steps[COST_LOW][step].makespan);
    buf_puts(text, " to ");
    put_seconds(explainer, simulation->steps[COST_HIGH][step].makespan);
    buf_printf(text, "). It cannot take less than ");
    put_seconds(explainer, of->bound.seconds);
    buf_printf(text, ", which %s needs; it is %.1f %% above that.", limit.words,
               100 * (of->makespan / of->bound.seconds - 1));
}

/* What a kernel on the path spends its time with. */
static const char *nature(const PathKind *kind) {
    if (kind->arithmetic + kind->traffic < 0.2 * kind->seconds)
        return "mostly the cost of starting small kernels";
    return kind->arithmetic > kind->traffic ? "bound by arithmetic" : "bound by memory traffic";
}

static bool is_move(const PathKind *kind) {
    return op_info[kind->kind].class == OPCLASS_COLLECTIVE ||
           op_info[kind->kind].class == OPCLASS_EXCHANGE ||
           op_info[kind->kind].class == OPCLASS_PAIR;
}

static void tell_path(Explainer *explainer, int64_t step) {
    const SimulatedStep *of = &explainer->simulation->steps[COST_EXPECTED][step];
    PathKinds kinds = path_kinds(explainer->scratch, explainer->schedule, of, false);
    double rest = 0, moved = 0;
    Buf *text = &explainer->paragraph;
    if (kinds.count == 0)
        return;
    buf_puts(text, " On its critical path:");
    for (int64_t i = 0; i < kinds.count; ++i) {
        double share = 100 * kinds.items[i].seconds / of->makespan;
        moved += is_move(&kinds.items[i]) ? share : 0;
        if (i >= PATH_TOLD)
            rest += share;
        else
            buf_printf(text, "%s %s %.1f %%", i ? "," : "", op_info[kinds.items[i].kind].name,
                       share);
    }
    if (rest > 0)
        buf_printf(text, ", others %.1f %%", rest);
    buf_printf(text, "; of it all, moves are %.1f %%. ", moved);
    const PathKind *first = &kinds.items[0];
    if (is_move(first))
        buf_printf(text, "To be faster, %s must move less, or be hidden behind computing.",
                   op_info[first->kind].name);
    else
        buf_printf(text, "What to shorten first is %s, %s.", op_info[first->kind].name,
                   nature(first));
}

static void tell_use(Explainer *explainer, int64_t step) {
    const Schedule *schedule = explainer->schedule;
    const SimulatedStep *of = &explainer->simulation->steps[COST_EXPECTED][step];
    SimulatedShares shares = simulate_shares(schedule, of);
    int64_t busiest = -1;
    Buf *text = &explainer->paragraph;
    for (int64_t i = 0; i < cost_resource_count(schedule); ++i)
        if (of->resources[i].busy > 0 &&
            (busiest < 0 || of->resources[i].busy > of->resources[busiest].busy))
            busiest = i;
    buf_printf(text,
               " Ranks compute %.1f %% of the time, at %.1f %% of the GPUs' peak and %.1f %% of "
               "their memory's bandwidth.",
               100 * shares.computing, 100 * shares.utilisation, 100 * shares.memory);
    if (busiest < 0)
        return;
    CostResource resource = cost_resource(schedule, busiest);
    if (resource.nics)
        buf_printf(text, " The busiest of all links are the NICs of node %lld, %s",
                   (long long)resource.node, resource.in ? "in" : "out");
    else
        buf_printf(text, " The busiest of all links is that of rank %lld, %s",
                   (long long)resource.rank, resource.in ? "in" : "out");
    buf_printf(text, ": %.1f %% of the time.", 100 * of->resources[busiest].busy / of->makespan);
}

static void tell_steps(Explainer *explainer) {
    buf_puts(explainer->out, "\nwhere its time goes, as simulated\n");
    for (int64_t i = 0; i < explainer->schedule->plan->steps.count; ++i) {
        tell_bound(explainer, i);
        tell_path(explainer, i);
        tell_use(explainer, i);
        end_paragraph(explainer, 4);
    }
}

/* --- what it holds
 * ------------------------------------------------------------------------------------- */

static const LedgerRow *fullest(const Ledger *ledger) {
    const LedgerRow *most = &ledger->rows[0];
    for (int64_t i = 1; i < ledger->count; ++i)
        if ((double)ledger->rows[i].total / (double)ledger->rows[i].capacity >
            (double)most->total / (double)most->capacity)
            most = &ledger->rows[i];
    return most;
}

static void tell_memory(Explainer *explainer) {
    const LedgerRow *row = fullest(explainer->ledger);
    const struct {
        const char *name;
        int64_t bytes;
    } parts[] = {{"weights", row->weights},
                 {"state", row->state},
                 {"activations", row->activations},
                 {"windows of moves", row->windows}};
    Buf *text = &explainer->paragraph;
    buf_puts(explainer->out, "\nwhat it holds\n");
    buf_printf(text, "The fullest is rank %lld: ", (long long)row->rank);
    words_bytes(row->total, text);
    buf_puts(text, " of ");
    words_bytes(row->capacity, text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        buf_puts(text, i == 0 ? ", of that " : ", ");
        words_bytes(parts[i].bytes, text);
        buf_printf(text, " %s", parts[i].name);
    }
    buf_putc(text, '.');
    end_paragraph(explainer, 4);
}

void explain_text(const Schedule *schedule, const Simulation *simulation, const Ledger *ledger,
                  Buf *out) {
    Arena scratch = {0};
    Explainer explainer = {.scratch = &scratch,
                           .schedule = schedule,
                           .simulation = simulation,
                           .ledger = ledger,
                           .out = out};
    const Plan *plan = schedule->plan;
    const Workload *workload = &plan->inputs.workload;
    buf_printf(out, "%s\n\nwhat was decided\n", plan->name);
    buf_printf(&explainer.paragraph, "%s on %s, batch %lld, prompt %lld, context %lld, by %s. ",
               plan->inputs.model.name, plan->inputs.topology.name, (long long)workload->batch,
               (long long)workload->prefill, (long long)workload->context, plan->strategy);
    holds_sentence(schedule, place_all(&scratch, plan), &explainer.paragraph);
    end_paragraph(&explainer, 4);
    tell_why(&explainer);
    tell_steps(&explainer);
    tell_memory(&explainer);
    buf_free(&explainer.paragraph);
    arena_free(&scratch);
}

/* --- JSON
 * ---------------------------------------------------------------------------------------------- */

static void json_real(Jsonw *json, const char *key, double value) {
    jsonw_key(json, key);
    jsonw_real(json, value);
}

static void json_path(Jsonw *json, const Schedule *schedule, const SimulatedStep *step) {
    Arena scratch = {0};
    PathKinds kinds = path_kinds(&scratch, schedule, step, false);
    jsonw_key(json, "path");
    jsonw_array(json, false);
    for (int64_t i = 0; i < kinds.count; ++i) {
        jsonw_object(json, true);
        jsonw_key_int(json, "count", kinds.items[i].count);
        jsonw_key_string(json, "kind", op_info[kinds.items[i].kind].name);
        json_real(json, "seconds", kinds.items[i].seconds);
        json_real(json, "share", kinds.items[i].seconds / step->makespan);
        jsonw_end(json);
    }
    jsonw_end(json);
    arena_free(&scratch);
}

static void json_step(Jsonw *json, const Schedule *schedule, const Simulation *simulation,
                      int64_t index) {
    const SimulatedStep *step = &simulation->steps[COST_EXPECTED][index];
    SimulatedShares shares = simulate_shares(schedule, step);
    jsonw_object(json, false);
    json_real(json, "bound_s", step->bound.seconds);
    jsonw_key_string(json, "bounded_by", limit_of(&step->bound).name);
    json_real(json, "computing", shares.computing);
    json_real(json, "memory", shares.memory);
    jsonw_key_string(json, "name", schedule->plan->steps.items[index].name);
    json_path(json, schedule, step);
    json_real(json, "seconds", step->makespan);
    json_real(json, "utilisation", shares.utilisation);
    jsonw_end(json);
}

static void json_why(Jsonw *json, const Plan *plan) {
    jsonw_key(json, "why");
    jsonw_array(json, false);
    for (int64_t i = 0; i < plan->why.count; ++i) {
        const PlanWhy *why = &plan->why.items[i];
        jsonw_object(json, false);
        jsonw_key_string(json, "choice", why->choice);
        jsonw_key_string(json, "reason", why->reason);
        jsonw_key_string(json, "runner_up", why->runner_up);
        jsonw_key_string(json, "where", why->where);
        jsonw_end(json);
    }
    jsonw_end(json);
}

void explain_json(const Schedule *schedule, const Simulation *simulation, const Ledger *ledger,
                  Buf *out) {
    Arena scratch = {0};
    const LedgerRow *row = fullest(ledger);
    Buf deployment = {0};
    Jsonw json;
    holds_sentence(schedule, place_all(&scratch, schedule->plan), &deployment);
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    jsonw_key_string(&json, "deployment", deployment.data);
    jsonw_key(&json, "fullest");
    jsonw_object(&json, true);
    jsonw_key_int(&json, "capacity", row->capacity);
    jsonw_key_int(&json, "rank", row->rank);
    jsonw_key_int(&json, "total", row->total);
    jsonw_end(&json);
    jsonw_key_string(&json, "name", schedule->plan->name);
    jsonw_key(&json, "steps");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < schedule->plan->steps.count; ++i)
        json_step(&json, schedule, simulation, i);
    jsonw_end(&json);
    jsonw_key_string(&json, "strategy", schedule->plan->strategy);
    json_why(&json, schedule->plan);
    jsonw_end(&json);
    jsonw_finish(&json);
    buf_free(&deployment);
    arena_free(&scratch);
}
