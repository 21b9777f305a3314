/* sweep_text: the table and the map of a sweep for a terminal, and CSV. See sweep_write.h. */
#include "report/sweep_write.h"

#include "report/quantity.h"
#include "schedule/ledger.h"

#include <ctype.h>
#include <string.h>

/* --- the map -------------------------------------------------------------------------------------------- */

SweepMap sweep_map(const Sweep *sweep) {
    SweepMap map = {1, 1, 1, -1, -1};
    if (sweep->keys.count == 1)
        map.column_key = 0;
    if (sweep->keys.count >= 2) {
        map.row_key = 0;
        map.column_key = 1;
        map.rows = sweep->keys.items[0].values.count;
    }
    if (map.column_key >= 0)
        map.columns = sweep->keys.items[map.column_key].values.count;
    map.panels = sweep->cells.count / (map.rows * map.columns);
    return map;
}

const SweepCell *sweep_map_cell(const Sweep *sweep, int64_t panel, int64_t row, int64_t column) {
    SweepMap map = sweep_map(sweep);
    return &sweep->cells.items[(row * map.columns + column) * map.panels + panel];
}

void sweep_map_panel(const Sweep *sweep, int64_t panel, Buf *out) {
    const SweepCell *cell = sweep_map_cell(sweep, panel, 0, 0);
    for (int64_t k = 2; k < sweep->keys.count; k++)
        buf_printf(out, "%s%s %s", k > 2 ? ", " : "", sweep->keys.items[k].name,
                   sweep_value(sweep, cell, k));
}

/* The letter of the best: small where it is not the best in every case of the costs. */
static char letter(const SweepCell *cell) {
    if (cell->best < 0)
        return '.';
    char of = cell->best < 26 ? (char)('A' + cell->best) : '#';
    return cell->sure ? of : (char)tolower(of);
}

static int widest(const TextList *list, int least) {
    for (int64_t i = 0; i < list->count; i++)
        least = (int)strlen(list->items[i]) > least ? (int)strlen(list->items[i]) : least;
    return least;
}

static void legend(const Sweep *sweep, Buf *out) {
    buf_printf(out, "\nbest %s, by strategy:", point_metrics[sweep->by].name);
    for (int64_t s = 0; s < sweep->strategies.count; s++)
        buf_printf(out, "\n  %c  %s", s < 26 ? (char)('A' + s) : '#', sweep->strategies.items[s]);
    buf_puts(out, "\n  .  none; a small letter: not in every case of the costs\n");
}

static void panel_text(const Sweep *sweep, int64_t panel, Buf *out) {
    SweepMap map = sweep_map(sweep);
    const SweepKey *across = &sweep->keys.items[map.column_key];
    const SweepKey *down = map.row_key >= 0 ? &sweep->keys.items[map.row_key] : NULL;
    int left = down ? widest(&down->values, (int)strlen(down->name)) : 0;
    int cell = widest(&across->values, 1) + 2;
    if (map.panels > 1) {
        buf_puts(out, "\n");
        sweep_map_panel(sweep, panel, out);
    }
    buf_printf(out, "\n  %-*s  %s\n  %-*s", left, "", across->name, left, down ? down->name : "");
    for (int64_t c = 0; c < map.columns; c++)
        buf_printf(out, "%*s", cell, across->values.items[c]);
    for (int64_t r = 0; r < map.rows; r++) {
        buf_printf(out, "\n  %-*s", left, down ? down->values.items[r] : "");
        for (int64_t c = 0; c < map.columns; c++)
            buf_printf(out, "%*c", cell, letter(sweep_map_cell(sweep, panel, r, c)));
    }
    buf_puts(out, "\n");
}

/* Where the best changes along the only key, in words. */
static void changes(const Sweep *sweep, Buf *out) {
    const SweepKey *key = &sweep->keys.items[0];
    for (int64_t i = 1; i < sweep->cells.count; i++) {
        const SweepCell *a = &sweep->cells.items[i - 1], *b = &sweep->cells.items[i];
        if (a->best == b->best)
            continue;
        buf_printf(out, "  changes between %s %s and %s: %s to %s\n", key->name,
                   sweep_value(sweep, a, 0), sweep_value(sweep, b, 0),
                   a->best < 0 ? "none" : sweep->strategies.items[a->best],
                   b->best < 0 ? "none" : sweep->strategies.items[b->best]);
    }
}

/* --- the table ------------------------------------------------------------------------------------------ */

static void column(Buf *out, size_t *at, size_t width) {
    do
        buf_putc(out, ' ');
    while (out->length < *at + width);
    *at = out->length;
}

/* Tab-free columns: each begins where the widest before it ends. */
typedef struct Columns {
    size_t keys[SWEEP_KEYS], strategy, tpot, tps, throughput;
} Columns;

static void interval(const Point *point, PointMetric metric, Buf *out) {
    quantity_interval(point_metrics[metric].unit, point->figures[metric], out);
}

static void figures(const Sweep *sweep, const SweepCell *cell, int64_t s, size_t at, Buf *out) {
    const Point *point = &cell->points[s];
    char used[24], capacity[24];
    if (point->status != STATUS_OK) {
        buf_printf(out, "%s: %s", point->word, point->reason);
        return;
    }
    interval(point, POINT_TPOT, out);
    column(out, &at, 26);
    quantity_number(point->figures[POINT_TPS][PLANNER_EXPECTED], out);
    column(out, &at, 11);
    quantity_number(point->figures[POINT_THROUGHPUT][PLANNER_EXPECTED], out);
    column(out, &at, 12);
    buf_printf(out, "%s of %s", ledger_bytes(used, point->memory),
               ledger_bytes(capacity, point->capacity));
    if (sweep->by > POINT_THROUGHPUT) {
        column(out, &at, 20);
        interval(point, sweep->by, out);
    }
    if (cell->best != s)
        return;
    buf_puts(out, "  best");
    if (cell->second >= 0) {
        buf_puts(out, " by ");
        quantity_text("%", cell->lead, out);
    }
}

static void row(const Sweep *sweep, const SweepCell *cell, int64_t s, const int *keys, int names,
                Buf *out) {
    for (int64_t k = 0; k < sweep->keys.count; k++)
        buf_printf(out, "%-*s  ", keys[k], sweep_value(sweep, cell, k));
    buf_printf(out, "%-*s  ", names, sweep->strategies.items[s]);
    figures(sweep, cell, s, out->length, out);
    buf_putc(out, '\n');
}

void sweep_text(const Sweep *sweep, Buf *out) {
    int keys[SWEEP_KEYS], names = widest(&sweep->strategies, 8);
    SweepMap map = sweep_map(sweep);
    buf_printf(out, "%s\n\n", sweep->name);
    for (int64_t k = 0; k < sweep->keys.count; k++) {
        keys[k] = widest(&sweep->keys.items[k].values, (int)strlen(sweep->keys.items[k].name));
        buf_printf(out, "%-*s  ", keys[k], sweep->keys.items[k].name);
    }
    buf_printf(out, "%-*s  %-25s %-10s %-11s %s\n", names, "strategy", "TPOT", "tokens/s",
               "with prompt", "memory");
    for (int64_t i = 0; i < sweep->cells.count; i++)
        for (int64_t s = 0; s < sweep->strategies.count; s++)
            row(sweep, &sweep->cells.items[i], s, keys, names, out);
    if (sweep->strategies.count < 2 || !sweep->keys.count)
        return;
    legend(sweep, out);
    for (int64_t panel = 0; panel < map.panels; panel++)
        panel_text(sweep, panel, out);
    if (sweep->keys.count == 1)
        changes(sweep, out);
}

/* --- CSV (RFC 4180) ------------------------------------------------------------------------------------- */

static void field(const char *text, Buf *out) {
    if (!strpbrk(text, ",\"\r\n")) {
        buf_puts(out, text);
        return;
    }
    buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

static void csv_head(const Sweep *sweep, Buf *out) {
    static const char *const cases[] = {"_low", "", "_high"};
    for (int64_t k = 0; k < sweep->keys.count; k++) {
        field(sweep->keys.items[k].name, out);
        buf_putc(out, ',');
    }
    buf_puts(out, "strategy,best,word,reason");
    for (int m = 0; m < POINT_METRIC_COUNT; m++)
        for (int at = 0; at < PLANNER_CASES; at++)
            buf_printf(out, ",%s%s", point_metrics[m].name, cases[at]);
    buf_puts(out, "\r\n");
}

static void csv_row(const Sweep *sweep, const SweepCell *cell, int64_t s, Buf *out) {
    const Point *point = &cell->points[s];
    for (int64_t k = 0; k < sweep->keys.count; k++) {
        field(sweep_value(sweep, cell, k), out);
        buf_putc(out, ',');
    }
    field(sweep->strategies.items[s], out);
    buf_printf(out, ",%d,%s,", cell->best == s, point->word);
    field(point->reason, out);
    for (int m = 0; m < POINT_METRIC_COUNT; m++)
        for (int at = 0; at < PLANNER_CASES; at++) {
            char text[32] = "";
            if (point->status == STATUS_OK)
                jsonw_format_real(text, point->figures[m][at]);
            buf_printf(out, ",%s", text);
        }
    buf_puts(out, "\r\n");
}

void sweep_csv(const Sweep *sweep, Buf *out) {
    csv_head(sweep, out);
    for (int64_t i = 0; i < sweep->cells.count; i++)
        for (int64_t s = 0; s < sweep->strategies.count; s++)
            csv_row(sweep, &sweep->cells.items[i], s, out);
}
