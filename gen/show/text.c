/* text: the plan, its proof, its memory and its predicted times as tables. Scratch is freed
 * before return. */
#include "holds.h"
#include "show/show.h"
#include "words.h"

#include <string.h>

/* --- plan
 * --------------------------------------------------------------------------------------------- */

/* What not every model has. */
static void write_variants(const Model *model, Buf *out) {
    const struct {
        int64_t width;
        const char *words;
    } items[] = {{model->dense_hidden, "in dense layers"},
                 {model->shared_hidden, "beside experts"},
                 {model_is_latent(model) ? model_latent_dim(model) : 0, "of latents a position"}};
    bool any = false;
    for (size_t i = 0; i < sizeof items / sizeof *items; ++i) {
        if (!items[i].width)
            continue;
        buf_printf(out, "%s%lld columns %s", any ? ", " : "            ", (long long)items[i].width,
                   items[i].words);
        if (i == 0) {
            buf_puts(out, " (");
            words_ranks(model->dense_layers.items, model->dense_layers.count, out);
            buf_puts(out, ")");
        }
        any = true;
    }
    if (any)
        buf_putc(out, '\n');
}

static void write_inputs(const Schedule *schedule, Buf *out) {
    const Plan *plan = schedule->plan;
    const Model *model = &plan->inputs.model;
    const Workload *workload = &plan->inputs.workload;
    buf_printf(out, "plan %s\n  strategy  %s\n", plan->name, plan->strategy);
    buf_printf(out,
               "  model     %s: %lld layers, hidden %lld, %lld heads (%lld key-value) x %lld, "
               "%lld experts x %lld, top-%lld\n",
               model->name, (long long)model->layers, (long long)model->hidden,
               (long long)model->heads, (long long)model->kv_heads, (long long)model->head_dim,
               (long long)model->experts, (long long)model->expert_hidden, (long long)model->top_k);
    write_variants(model, out);
    if (model->scale_block.count == 2)
        buf_printf(out,
                   "            checkpoints of 8 bits, a scale for %lld x %lld elements; held as "
                   "%s\n",
                   (long long)model->scale_block.items[0], (long long)model->scale_block.items[1],
                   element_names[workload->dtype]);
    buf_printf(out, "  cluster   %s: ", plan->inputs.topology.name);
    words_count(topology_node_count(&plan->inputs.topology), "node", out);
    buf_puts(out, ", ");
    words_count(topology_gpu_count(&plan->inputs.topology), "GPU", out);
    buf_printf(out, "\n  workload  batch %lld, prompt %lld, context %lld, %s\n",
               (long long)workload->batch, (long long)workload->prefill,
               (long long)workload->context, element_names[workload->dtype]);
    buf_puts(out, "  program   ");
    words_count(schedule->world, "rank", out);
    buf_printf(out, " in %lld cop%s; the residual is %s over request groups\n",
               (long long)plan->copies, plan->copies == 1 ? "y" : "ies",
               plan->residual == RESIDUAL_SHARDED ? "sharded" : "replicated");
}

static void write_placement(const Schedule *schedule, const Place *places, Buf *out) {
    const Plan *plan = schedule->plan;
    buf_puts(out, "\nplacement\n  rank  node  gpu  role        sequences  heads   kv      "
                  "embeds       scores       experts\n");
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const Place *place = &places[rank];
        size_t line = out->length;
        buf_printf(out, "  %4lld  %4lld  %3lld  %s", (long long)rank,
                   (long long)plan->ranks.items[rank].node, (long long)plan->ranks.items[rank].gpu,
                   schedule->roles.items[schedule->ranks[rank].role].name);
        if (place->group) {
            int64_t first = place->copy * plan_copy_batch(plan);
            words_pad(out, line, 31);
            words_range(
                (Range){first + place->group->requests.begin, first + place->group->requests.end},
                out);
            words_pad(out, line, 42);
            words_range(place->heads, out);
            words_pad(out, line, 50);
            words_range(place->kv, out);
            words_pad(out, line, 58);
            words_range(place->embedding, out);
            words_pad(out, line, 71);
            words_range(place->head, out);
        }
        if (place->slot_count > 0) {
            words_pad(out, line, 84);
            holds_experts(place, &plan->inputs.model, out);
        }
        buf_putc(out, '\n');
    }
    for (int64_t i = 0; i < plan->idle.count; ++i)
        buf_printf(out, "  idle: node %lld, GPU %lld: %s\n", (long long)plan->idle.items[i].node,
                   (long long)plan->idle.items[i].gpu, plan->idle.items[i].why);
}

/* --- moves and order
 * ---------------------------------------------------------------------------------- */

static void write_stages(const PlanMove *move, Buf *out) {
    for (int64_t s = 0; s < move->stages.count; ++s) {
        const PlanMoveStage *stage = &move->stages.items[s];
        buf_printf(out, "      %lld. %s over ", (long long)s + 1,
                   plan_primitive_names[stage->primitive]);
        for (int64_t k = 0; k < stage->sets.count; ++k) {
            buf_puts(out, k > 0 ? " | " : "");
            words_ranks(stage->sets.items[k].ranks.items, stage->sets.items[k].ranks.count, out);
        }
        buf_putc(out, '\n');
    }
}

static void write_move(const PlanMove *move, Buf *out) {
    size_t line = out->length;
    bool exchange = move->kind == MOVE_DISPATCH || move->kind == MOVE_COMBINE;
    buf_printf(out, "    %s", plan_move_names[move->kind]);
    if (move->group >= 0)
        buf_printf(out, " of group %lld", (long long)move->group);
    words_pad(out, line, 34);
    buf_printf(out, "on stream %s", plan_stream_names[move->stream]);
    words_pad(out, line, 58);
    if (move->kind == MOVE_HANDOVER) {
        buf_puts(out, "rows to their owners in the next stage\n");
        return;
    }
    if (!exchange) {
        buf_printf(out, "%s, in %lld pieces by %s\n", move->algorithm, (long long)move->pieces,
                   move->unit == UNIT_ROW ? "rows" : "elements");
        write_stages(move, out);
        return;
    }
    buf_puts(out, move->mode == MODE_EXACT ? "exact" : "padded");
    if (move->chunk > 0)
        buf_printf(out, ", %lld rows a transfer, %lld in flight", (long long)move->chunk,
                   (long long)move->in_flight);
    buf_putc(out, '\n');
}

static bool same_stages(const PlanMove *a, const PlanMove *b) {
    if (a->kind != b->kind || a->stages.count != b->stages.count || a->unit != b->unit ||
        a->pieces != b->pieces || strcmp(a->algorithm, b->algorithm) != 0)
        return false;
    for (int64_t s = 0; s < a->stages.count; ++s)
        if (a->stages.items[s].primitive != b->stages.items[s].primitive)
            return false;
    return true;
}

/* Groups that move alike are told once. */
static void write_moves(const PlanStep *step, Buf *out) {
    for (int64_t i = 0; i < step->moves.count; ++i) {
        int64_t before = 0, more = 0;
        for (int64_t k = 0; k < i; ++k)
            before += same_stages(&step->moves.items[k], &step->moves.items[i]);
        for (int64_t k = i + 1; k < step->moves.count; ++k)
            more += same_stages(&step->moves.items[k], &step->moves.items[i]);
        if (before > 0)
            continue;
        write_move(&step->moves.items[i], out);
        if (more > 0) {
            buf_puts(out, "      likewise in ");
            words_count(more, "other group", out);
            buf_putc(out, '\n');
        }
    }
}

static void write_loop(const Plan *plan, const PlanLoop *loop, Buf *out) {
    buf_puts(out, "      ");
    words_loop(loop->layers, &plan->inputs.model, out);
    buf_putc(out, ':');
    size_t line = out->length;
    for (int64_t i = 0; i < loop->items.count; ++i) {
        const PlanItem *item = &loop->items.items[i];
        if (out->length - line > 60) {
            buf_puts(out, "\n        ");
            line = out->length;
        }
        buf_printf(out, " %s m%lld", plan_part_names[item->part], (long long)item->microbatch);
        if (item->lag != 0)
            buf_printf(out, " (layer %+lld)", (long long)-item->lag);
        buf_puts(out, i + 1 < loop->items.count ? "," : "");
    }
    buf_putc(out, '\n');
}

static void write_steps(const Schedule *schedule, Buf *out) {
    const Plan *plan = schedule->plan;
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        const PlanStep *step = &plan->steps.items[s];
        buf_printf(out, "\nstep %s: ", step->name);
        words_count(step->tokens, "token", out);
        buf_printf(out, " a sequence, %lld micro-batch%s%s\n", (long long)step->microbatches,
                   step->microbatches == 1 ? "" : "es",
                   schedule->ranks[0].steps[s].captured ? "; captured, as no counts differ" : "");
        write_moves(step, out);
        for (int64_t o = 0; o < step->orders.count; ++o) {
            const PlanOrder *order = &step->orders.items[o];
            buf_puts(out, "    order of ranks ");
            words_ranks(order->ranks.items, order->ranks.count, out);
            buf_putc(out, '\n');
            for (int64_t i = 0; i < order->loops.count; ++i)
                write_loop(plan, &order->loops.items[i], out);
        }
    }
}

void show_plan_text(const Schedule *schedule, Buf *out) {
    const Plan *plan = schedule->plan;
    Arena scratch = {0};
    write_inputs(schedule, out);
    write_placement(schedule, place_all(&scratch, plan), out);
    write_steps(schedule, out);
    if (plan->why.count > 0)
        buf_puts(out, "\nwhy\n");
    for (int64_t i = 0; i < plan->why.count; ++i) {
        const PlanWhy *why = &plan->why.items[i];
        bool second = why->runner_up && *why->runner_up;
        size_t line = out->length;
        buf_puts(out, "    ");
        words_wrap(arena_printf(&scratch, "%s: %s%s%s", why->choice, why->reason,
                                second ? "; next best " : "", second ? why->runner_up : ""),
                   line, 8, out);
        buf_putc(out, '\n');
    }
    arena_free(&scratch);
}

/* --- memory, proof, prediction
 * ------------------------------------------------------------------------ */

/* Do two ranks spend alike, to the digits that are shown? */
static bool same_row(const Schedule *schedule, const LedgerRow *a, const LedgerRow *b) {
    const int64_t x[] = {a->weights, a->state, a->activations, a->windows, a->total, a->capacity};
    const int64_t y[] = {b->weights, b->state, b->activations, b->windows, b->total, b->capacity};
    bool same = schedule->ranks[a->rank].role == schedule->ranks[b->rank].role;
    for (size_t i = 0; same && i < sizeof x / sizeof *x; ++i) {
        char left[24], right[24];
        same = strcmp(ledger_bytes(left, x[i]), ledger_bytes(right, y[i])) == 0;
    }
    return same;
}

static void ledger_line(const Schedule *schedule, const Ledger *ledger, int64_t index, Buf *out) {
    const LedgerRow *row = &ledger->rows[index];
    const int64_t bytes[] = {row->weights,   row->state,   row->activations, row->windows,
                             row->workspace, row->padding, row->total,       row->capacity};
    IntList ranks = {0};
    Arena scratch = {0};
    for (int64_t i = index; i < ledger->count; ++i)
        if (same_row(schedule, row, &ledger->rows[i]))
            *(int64_t *)LIST_PUSH(&scratch, &ranks) = ledger->rows[i].rank;
    size_t line = out->length;
    buf_printf(out, "  %s ", schedule->roles.items[schedule->ranks[row->rank].role].name);
    words_ranks(ranks.items, ranks.count, out);
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; ++i) {
        char text[24];
        words_pad(out, line, 27 + 9 * i);
        buf_printf(out, "%8s", ledger_bytes(text, bytes[i]));
    }
    buf_putc(out, '\n');
    arena_free(&scratch);
}

void show_ledger_text(const Schedule *schedule, const Ledger *ledger, Buf *out) {
    buf_puts(out, "memory                      weights    state   activ.  windows  scratch  padding"
                  "    total   of GPU\n");
    for (int64_t i = 0; i < ledger->count; ++i) {
        bool again = false;
        for (int64_t k = 0; k < i; ++k)
            again = again || same_row(schedule, &ledger->rows[k], &ledger->rows[i]);
        if (!again)
            ledger_line(schedule, ledger, i, out);
    }
}

void show_proof_text(const CheckReport *report, Buf *out) {
    Arena scratch = {0};
    buf_puts(out, "proof\n");
    for (int i = 0; i < CHECK_RULE_COUNT; ++i) {
        const CheckRule *rule = &report->rules[i];
        size_t line = out->length;
        const char *verdict = !rule->ran ? "not run" : rule->failures > 0 ? "REFUSED" : "holds";
        buf_printf(out, "  %-7s  %-20s  ", verdict, rule->name);
        words_wrap(arena_printf(&scratch, "%s (%lld %s)", rule->proves, (long long)rule->count,
                                rule->unit),
                   line, 33, out);
        buf_putc(out, '\n');
    }
    arena_free(&scratch);
}

static const char *seconds_text(char *text, double seconds) {
    if (seconds >= 1)
        snprintf(text, 24, "%.3g s", seconds);
    else if (seconds >= 1e-3)
        snprintf(text, 24, "%.3g ms", seconds * 1e3);
    else
        snprintf(text, 24, "%.3g us", seconds * 1e6);
    return text;
}

static void interval_line(const char *name, const double value[COST_CASES], bool rate, Buf *out) {
    char text[COST_CASES][24];
    for (int at = 0; at < COST_CASES; ++at) {
        if (rate)
            snprintf(text[at], sizeof text[at], value[at] < 1000 ? "%.3g/s" : "%.0f/s", value[at]);
        else
            seconds_text(text[at], value[at]);
    }
    buf_printf(out, "  %-28s %12s   (%s to %s)\n", name, text[COST_EXPECTED],
               text[rate ? COST_HIGH : COST_LOW], text[rate ? COST_LOW : COST_HIGH]);
}

/* Moves as shares of the step: under way, and while the compute stream of the rank that waits
 * most is idle. */
static void move_lines(const Schedule *schedule, const SimulatedStep *step, Buf *out) {
    for (int move = 0; move < SIMULATE_MOVES; ++move) {
        double moving = 0, exposed = 0;
        for (int64_t rank = 0; rank < schedule->world; ++rank) {
            const SimulatedRank *of = &step->ranks[rank];
            moving = of->moving[move] > moving ? of->moving[move] : moving;
            exposed = of->exposed[move] > exposed ? of->exposed[move] : exposed;
        }
        if (moving > 0)
            buf_printf(
                out,
                "    %-26s %10.1f %%   of the step; at most %.1f %% with computing at a stand\n",
                plan_move_names[move], 100 * moving / step->makespan,
                100 * exposed / step->makespan);
    }
}

void show_prediction_text(const Schedule *schedule, const Simulation *simulation, Buf *out) {
    buf_puts(out, "prediction for the cluster, ");
    cost_basis(schedule, out);
    buf_putc(out, '\n');
    for (int64_t i = 0; i < schedule->plan->steps.count; ++i) {
        double seconds[COST_CASES];
        for (int at = 0; at < COST_CASES; ++at)
            seconds[at] = simulation->steps[at][i].makespan;
        interval_line(schedule->plan->steps.items[i].name, seconds, false, out);
        move_lines(schedule, &simulation->steps[COST_EXPECTED][i], out);
    }
    interval_line("TPOT, a decode step", simulation->tpot, false, out);
    interval_line("TPS, new tokens", simulation->tps, true, out);
    interval_line("throughput, prompt and new", simulation->throughput, true, out);
}
