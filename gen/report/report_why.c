/* report_why: see report_internal.h. Words follow from verdicts, bounds and checks; no claim has words of its own but the
 * note of its row. */
#include "report/report_internal.h"

#include "report/quantity.h"

#include <math.h>
#include <string.h>

static void sentence(Buf *out, const char *text) {
    buf_printf(out, "%s%s", out->length ? "; " : "", text);
}

static int64_t count(const StudyTable *table, const ReportRow *row, ReportVerdict verdict) {
    int64_t sum = 0;
    for (int64_t c = 0; c < table->columns.count; c++)
        sum += row->cells[c].verdict == verdict;
    return sum;
}

/* Titles of the columns with this verdict. */
static void columns(const StudyTable *table, const ReportRow *row, ReportVerdict verdict,
                    Buf *out) {
    int64_t found = 0;
    if (count(table, row, verdict) == table->columns.count) {
        buf_puts(out, " in all columns");
        return;
    }
    for (int64_t c = 0; c < table->columns.count; c++)
        if (row->cells[c].verdict == verdict)
            buf_printf(out, "%s%s", found++ ? ", " : " at ", table->columns.items[c]);
}

/* The cell with this verdict that is nearest to its claim, and by what factor they differ. */
static const ReportCell *nearest(const StudyTable *table, const ReportRow *row,
                                 ReportVerdict verdict, double *factor) {
    const ReportCell *best = NULL;
    for (int64_t c = 0; c < table->columns.count; c++) {
        const ReportCell *cell = &row->cells[c];
        if (cell->verdict != verdict)
            continue;
        double end = cell->ours[verdict == REPORT_LOWER ? PLANNER_LOW : PLANNER_HIGH];
        double of = verdict == REPORT_LOWER ? end / cell->claimed : cell->claimed / end;
        if (!best || fabs(of) < fabs(*factor)) {
            best = cell;
            *factor = of;
        }
    }
    return best;
}

/* Whether more than the interval's optimistic end is claimed: what no constant of ours could give. */
static bool beyond_bound(const StudyRow *row, ReportVerdict verdict) {
    const PointMetricInfo *metric = &point_metrics[point_metric(row->metric)];
    bool decode = metric == &point_metrics[POINT_TPOT] || metric == &point_metrics[POINT_TPS];
    return row->as == STUDY_VALUE && decode &&
           verdict == (metric->rate ? REPORT_HIGHER : REPORT_LOWER);
}

static void outside(const StudyTable *table, const ReportRow *row, ReportVerdict verdict,
                    Buf *out) {
    double factor = 0;
    const ReportCell *cell = nearest(table, row, verdict, &factor);
    if (!cell)
        return;
    Buf words = {0};
    buf_printf(&words, "the claim is %s", verdict == REPORT_LOWER ? "lower" : "higher");
    if (table->columns.count > 1)
        columns(table, row, verdict, &words);
    if (isfinite(factor) && factor > 0) {
        buf_puts(&words, ", by a factor of ");
        quantity_number(factor, &words);
        buf_puts(&words, table->columns.count > 1 ? " or more" : "");
    }
    if (beyond_bound(row->row, verdict) && *cell->point->point.bound)
        buf_printf(&words, ": out of reach, as %s", cell->point->point.bound);
    sentence(out, words.data);
    buf_free(&words);
}

/* Which of a cell's points cannot be. */
static const StudyPoint *refused(const ReportCell *cell) {
    return cell->point->point.status != STATUS_OK ? cell->point : cell->versus;
}

/* Whether the same point was explained in this column before. */
static bool explained(const ReportTable *table, int64_t row, int64_t column) {
    const StudyPoint *point = refused(&table->rows.items[row].cells[column]);
    for (int64_t r = 0; r < row; r++) {
        const ReportCell *cell = &table->rows.items[r].cells[column];
        if (cell->verdict == REPORT_INFEASIBLE && refused(cell) == point)
            return true;
    }
    return false;
}

static void infeasible(const ReportTable *table, int64_t row, Buf *out) {
    for (int64_t c = 0; c < table->table->columns.count; c++) {
        const ReportCell *cell = &table->rows.items[row].cells[c];
        if (cell->verdict != REPORT_INFEASIBLE || explained(table, row, c))
            continue;
        bool other = refused(cell) != cell->point;
        Buf words = {0};
        buf_printf(&words, "%s: %s%s%s", table->table->columns.items[c], other ? "with " : "",
                   other ? refused(cell)->strategy : "", other ? " " : "");
        buf_puts(&words, refused(cell)->point.reason);
        sentence(out, words.data);
        buf_free(&words);
    }
}

/* Where the claim is too high in one column and too low in the next, some operating point between them agrees. */
static bool between(const StudyTable *table, const ReportRow *row, int64_t within, Buf *out) {
    if (row->row->claims.count != 1 || within)
        return false;
    for (int64_t c = 1; c < table->columns.count; c++) {
        ReportVerdict a = row->cells[c - 1].verdict, b = row->cells[c].verdict;
        if (!((a == REPORT_LOWER && b == REPORT_HIGHER) ||
              (a == REPORT_HIGHER && b == REPORT_LOWER)))
            continue;
        Buf words = {0};
        buf_printf(&words, "would agree somewhere between %s and %s", table->columns.items[c - 1],
                   table->columns.items[c]);
        sentence(out, words.data);
        buf_free(&words);
        return true;
    }
    return false;
}

/* Checks that do not hold and judge a claim of this row; whether there are any. */
static bool arithmetic(const Study *study, const StudyTable *table, const ReportRow *row,
                       Buf *out) {
    bool any = false;
    for (int64_t i = 0; i < study->checks.count; i++) {
        const StudyCheck *check = &study->checks.items[i];
        bool judged = false;
        for (int64_t u = 0; !check->holds && u < check->uses.count; u++)
            for (int64_t c = 0; c < table->columns.count; c++)
                judged = judged || (row->cells[c].claim &&
                                    strcmp(row->cells[c].claim->id, check->uses.items[u]) == 0);
        if (!judged)
            continue;
        Buf words = {0};
        buf_printf(&words, "its arithmetic does not hold: %s", check->title);
        sentence(out, words.data);
        buf_free(&words);
        any = true;
    }
    return any;
}

const char *report_why(Arena *arena, const Study *study, const ReportTable *of, int64_t index) {
    const StudyTable *table = of->table;
    const ReportRow *row = &of->rows.items[index];
    Buf out = {0};
    int64_t within = count(table, row, REPORT_WITHIN);
    int64_t off = count(table, row, REPORT_LOWER) + count(table, row, REPORT_HIGHER);
    if (within && off) {
        Buf words = {0};
        buf_puts(&words, "agrees");
        columns(table, row, REPORT_WITHIN, &words);
        buf_puts(&words, " only");
        sentence(&out, words.data);
        buf_free(&words);
    }
    outside(table, row, REPORT_LOWER, &out);
    outside(table, row, REPORT_HIGHER, &out);
    bool agrees = between(table, row, within, &out);
    infeasible(of, index, &out);
    if (!arithmetic(study, table, row, &out) && off && !within && !agrees)
        sentence(&out, "needs an operating point or an assumption that is not stated");
    if (*row->row->note)
        sentence(&out, row->row->note);
    const char *text = out.length ? arena_strdup(arena, out.data) : "";
    buf_free(&out);
    return text;
}
