/* figures: from ledger, counters and simulation. Scratch is freed before return. */
#include "figures.h"

#include "traffic.h"
#include "words.h"

#include <math.h>

const char *const figure_unit_names[] = {"s", "1/s", "bytes", "count"};

static void add(Arena *arena, Figures *figures, const char *what, FigureUnit unit,
                const double value[COST_CASES]) {
    Figure *figure = LIST_PUSH(arena, figures);
    *figure = (Figure){.what = what, .unit = unit};
    for (int at = 0; at < COST_CASES; ++at)
        figure->value[at] = value[at];
}

static void add_one(Arena *arena, Figures *figures, const char *what, FigureUnit unit,
                    double value) {
    const double values[COST_CASES] = {value, value, value};
    add(arena, figures, what, unit, values);
}

static void times(Arena *arena, Figures *figures, const DiffSide *side) {
    const double unknown[COST_CASES] = {NAN, NAN, NAN};
    const Simulation *of = &side->simulation;
    bool known = side->proved;
    add(arena, figures, "TPOT, a decode step", FIGURE_SECONDS, known ? of->tpot : unknown);
    add(arena, figures, "prefill of the batch", FIGURE_SECONDS, known ? of->prefill : unknown);
    add(arena, figures, "TPS, new tokens", FIGURE_RATE, known ? of->tps : unknown);
    add(arena, figures, "throughput, all tokens", FIGURE_RATE, known ? of->throughput : unknown);
}

static void memory(Arena *arena, Figures *figures, const DiffSide *side) {
    const Ledger *ledger = &side->report->ledger;
    double most = 0, all = 0, weights = 0;
    for (int64_t i = 0; i < ledger->count; ++i) {
        most = fmax(most, (double)ledger->rows[i].total);
        all += (double)ledger->rows[i].total;
        weights += (double)ledger->rows[i].weights;
    }
    add_one(arena, figures, "memory of the fullest rank", FIGURE_BYTES, most);
    add_one(arena, figures, "memory of all ranks", FIGURE_BYTES, all);
    add_one(arena, figures, "weights held, copies too", FIGURE_BYTES, weights);
}

static void step(Arena *arena, Figures *figures, const DiffSide *side, int64_t index) {
    Arena scratch = {0};
    const char *name = side->plan->steps.items[index].name;
    Traffic traffic = traffic_of(&scratch, side->schedule, index);
    double operations = 0, bytes = 0;
    for (int64_t i = 0; i < traffic.world * OP_KINDS; ++i)
        operations += (double)traffic.operations[i];
    for (int64_t move = 0; move < TRAFFIC_MOVES; ++move)
        bytes += (double)traffic_total(&traffic, move);
    add_one(arena, figures, arena_printf(arena, "%s: operations", name), FIGURE_COUNT, operations);
    add_one(arena, figures, arena_printf(arena, "%s: bytes moved", name), FIGURE_BYTES, bytes);
    for (int64_t move = 0; move < TRAFFIC_MOVES; ++move)
        add_one(arena, figures, arena_printf(arena, "%s: %s", name, plan_move_names[move]),
                FIGURE_BYTES, (double)traffic_total(&traffic, move));
    arena_free(&scratch);
}

Figures figures_of(Arena *arena, const DiffSide *side) {
    Figures figures = {0};
    times(arena, &figures, side);
    memory(arena, &figures, side);
    for (int64_t i = 0; i < side->plan->steps.count; ++i)
        step(arena, &figures, side, i);
    return figures;
}

void figures_words(FigureUnit unit, double value, Buf *out) {
    if (isnan(value))
        buf_puts(out, "not known");
    else if (unit == FIGURE_BYTES)
        words_bytes((int64_t)value, out);
    else if (unit == FIGURE_COUNT)
        buf_printf(out, "%.0f", value);
    else if (unit == FIGURE_RATE)
        buf_printf(out, value < 1000 ? "%.3g/s" : "%.0f/s", value);
    else
        words_seconds(value, out);
}
