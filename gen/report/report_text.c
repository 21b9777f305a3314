/* report_text: the texts that the forms of a report share, and the report as Markdown. */
#include "report/quantity.h"
#include "report/report_write.h"

#include <math.h>
#include <string.h>

const char *const report_assumptions[] = {
    "Every deployment is planned, lowered, proved, its memory counted and its steps simulated by "
    "the same generator that "
    "emits programs; nothing of it is measured.",
    "A prediction is the expected case of the costs; in brackets the lower bound, at which nothing "
    "is ever inefficient, and "
    "the pessimistic case. A figure without brackets is counted.",
    "A ratio takes both deployments at the same case, because what is wrong with a constant is "
    "wrong for both.",
    "No constant is fitted to a claim. Claims are what the documents state, and are never used as "
    "ours.",
    "Where a strategy leaves something open (micro-batches, request groups, how sums are made), "
    "the planner chooses it, "
    "for baselines too; names say what is fixed.",
    "Dispatch and combine send the rows that there are, after counts (moves=exact): windows of a "
    "fixed size cost more at "
    "every operating point here.",
    "Weights are bf16 and routing is even: every expert gets its share of the tokens.",
    NULL,
};

void report_claim_text(double value, const char *unit, Buf *out) {
    char text[32];
    if (fabs(value) >= 1000 && value == floor(value)) {
        quantity_number(value, out);
    } else {
        jsonw_format_real(text, value);
        buf_puts(out, text);
    }
    if (strcmp(unit, "-") != 0)
        buf_printf(out, " %s", unit);
}

void report_figure_text(double value, const char *unit, Buf *out) {
    if (fabs(value) >= 1000)
        quantity_number(value, out);
    else
        buf_printf(out, "%.4g", value);
    if (strcmp(unit, "-") != 0)
        buf_printf(out, " %s", unit);
}

void report_ours_text(const ReportCell *cell, Buf *out) {
    if (cell->answered)
        quantity_interval(cell->unit, cell->ours, out);
    else
        buf_puts(out, *cell->point->point.word ? cell->point->point.word : "no comparison");
}

const char *report_check_text(const StudyCheck *check) {
    return check->relation == STUDY_IMPLIED ? "follows, not stated"
           : check->holds                   ? "holds"
                                            : "does not hold";
}

const char *report_part_title(const char *part) {
    static const char *const titles[][2] = {
        {"performance", "Performance"},
        {"lengths", "Sequence lengths"},
        {"scaling", "Scaling"},
        {"communication", "Communication"},
        {"memory", "Memory"},
        {"energy", "Energy"},
        {"experts", "Number of experts"},
        {"degrees", "Degree of expert parallelism"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (strcmp(titles[i][0], part) == 0)
            return titles[i][1];
    return part;
}

/* Whether a cell before this one has a claim of the same group. */
static bool group_was_told(const ReportTable *table, int64_t row, int64_t column) {
    const ClaimGroup *group = table->rows.items[row].cells[column].claim_group;
    for (int64_t r = 0; r <= row; r++)
        for (int64_t c = 0; c < (r < row ? table->table->columns.count : column); c++)
            if (table->rows.items[r].cells[c].claim_group == group)
                return true;
    return false;
}

void report_sources_text(const ReportTable *table, Buf *out) {
    for (int64_t r = 0; r < table->rows.count; r++)
        for (int64_t c = 0; c < table->table->columns.count; c++) {
            const ClaimGroup *group = table->rows.items[r].cells[c].claim_group;
            if (!group || group_was_told(table, r, c))
                continue;
            buf_printf(out, "%s%s (", out->length ? "; " : "Claims: ", group->about);
            for (int64_t d = 0; d < group->documents.count; d++)
                buf_printf(out, "%s%s", d ? ", " : "", group->documents.items[d]);
            buf_puts(out, ")");
        }
    if (out->length)
        buf_puts(out, ".");
}

/* --- counting -------------------------------------------------------------------------------------------- */

static void tally_row(const ReportTable *table, const ReportRow *row, ReportTally *tally) {
    int64_t of[REPORT_INFEASIBLE + 1] = {0}, claims = 0;
    for (int64_t c = 0; c < table->table->columns.count; c++) {
        claims += row->cells[c].claim != NULL;
        of[row->cells[c].verdict] += row->cells[c].claim != NULL;
    }
    if (!claims)
        return;
    int64_t off = of[REPORT_LOWER] + of[REPORT_HIGHER];
    tally->claims++;
    tally->within += of[REPORT_WITHIN] > 0 && !off;
    tally->partly += of[REPORT_WITHIN] > 0 && off;
    tally->outside += of[REPORT_WITHIN] == 0 && off;
    tally->infeasible += of[REPORT_WITHIN] == 0 && !off && of[REPORT_INFEASIBLE];
}

ReportTally report_tally(const ReportStudy *study) {
    ReportTally tally = {0};
    for (int64_t t = 0; t < study->tables.count; t++)
        for (int64_t r = 0; r < study->tables.items[t].rows.count; r++)
            tally_row(&study->tables.items[t], &study->tables.items[t].rows.items[r], &tally);
    for (int64_t i = 0; study->arithmetic && i < study->study.checks.count; i++) {
        const StudyCheck *check = &study->study.checks.items[i];
        tally.checks++;
        tally.failed += !check->holds;
        tally.implied += check->relation == STUDY_IMPLIED;
    }
    for (int64_t i = 0; i < study->study.points.count; i++) {
        tally.points += study->study.points.items[i].wanted;
        tally.unplanned += study->study.points.items[i].wanted &&
                           study->study.points.items[i].point.status != STATUS_OK;
    }
    return tally;
}

/* --- Markdown ----------------------------------------------------------------------------------------------- */

/* Text that cannot leave its cell nor become HTML. */
static void escape(const char *text, Buf *out) {
    for (; *text; text++) {
        if (*text == '<')
            buf_puts(out, "&lt;");
        else if (*text == '&')
            buf_puts(out, "&amp;");
        else if (strchr("|\\`*_[]", *text) && *text)
            buf_printf(out, "\\%c", *text);
        else
            buf_putc(out, *text == '\n' || *text == '\r' ? ' ' : *text);
    }
}

static const char *mark(ReportVerdict verdict) {
    return verdict == REPORT_WITHIN   ? " ✓"
           : verdict == REPORT_LOWER  ? " ▼"
           : verdict == REPORT_HIGHER ? " ▲"
                                      : "";
}

static void put(const Buf *text, Buf *out) {
    escape(text->length ? text->data : "", out);
}

static void cell_markdown(const ReportCell *cell, bool own_claim, Buf *out) {
    Buf text = {0};
    if (own_claim && cell->claim) {
        report_claim_text(cell->claim->value, cell->claim_group->unit, &text);
        buf_puts(out, "claim ");
        put(&text, out);
        buf_puts(out, ", ours ");
        buf_clear(&text);
    }
    report_ours_text(cell, &text);
    put(&text, out);
    buf_puts(out, mark(cell->verdict));
    buf_free(&text);
}

/* Whether claims stand in the cells: they differ by column. */
static bool claims_by_column(const ReportTable *table) {
    for (int64_t r = 0; r < table->rows.count; r++)
        if (table->rows.items[r].row->claims.count > 1)
            return true;
    return false;
}

static void row_markdown(const ReportTable *table, const ReportRow *row, bool by_column, Buf *out) {
    buf_puts(out, "| ");
    escape(row->row->what, out);
    if (!by_column) {
        buf_puts(out, " | ");
        Buf text = {0};
        if (row->cells[0].claim)
            report_claim_text(row->cells[0].claim->value, row->cells[0].claim_group->unit, &text);
        put(&text, out);
        buf_free(&text);
    }
    for (int64_t c = 0; c < table->table->columns.count; c++) {
        buf_puts(out, " | ");
        cell_markdown(&row->cells[c], by_column, out);
    }
    buf_puts(out, " | ");
    escape(row->why, out);
    buf_puts(out, " |\n");
}

static void table_markdown(const ReportTable *table, Buf *out) {
    bool by_column = claims_by_column(table);
    buf_puts(out, "### ");
    escape(table->table->title, out);
    buf_puts(out, "\n\n");
    Buf sources = {0};
    report_sources_text(table, &sources);
    escape(table->table->about, out);
    if (sources.length)
        buf_putc(out, ' ');
    put(&sources, out);
    buf_free(&sources);
    buf_printf(out, "\n\n| |%s", by_column ? "" : " claim |");
    for (int64_t c = 0; c < table->table->columns.count; c++) {
        buf_putc(out, ' ');
        escape(table->table->columns.items[c], out);
        buf_puts(out, " |");
    }
    buf_printf(out, " why they differ |\n|---|%s", by_column ? "" : "---:|");
    for (int64_t c = 0; c < table->table->columns.count; c++)
        buf_puts(out, "---:|");
    buf_puts(out, "---|\n");
    for (int64_t r = 0; r < table->rows.count; r++)
        row_markdown(table, &table->rows.items[r], by_column, out);
    buf_putc(out, '\n');
}

static void checks_markdown(const Study *study, Buf *out) {
    buf_puts(out,
             "## What follows from their own figures\n\n| | computed as | stated | follows | |\n"
             "|---|---|---:|---:|---|\n");
    for (int64_t i = 0; i < study->checks.count; i++) {
        const StudyCheck *check = &study->checks.items[i];
        buf_puts(out, "| ");
        escape(check->title, out);
        buf_puts(out, " | ");
        escape(check->how, out);
        Buf text = {0};
        buf_puts(out, " | ");
        if (check->relation != STUDY_IMPLIED)
            report_figure_text(check->stated, check->unit, &text);
        put(&text, out);
        buf_clear(&text);
        bool limit = check->relation == STUDY_AT_MOST || check->relation == STUDY_AT_LEAST;
        buf_printf(out, " | %s%s", limit ? study_relations[check->relation] : "", limit ? " " : "");
        report_figure_text(check->follows, check->unit, &text);
        put(&text, out);
        buf_free(&text);
        buf_printf(out, " | %s |\n", report_check_text(check));
    }
    buf_putc(out, '\n');
}

static void untold_markdown(const Study *study, Buf *out) {
    buf_puts(out, "## What is claimed and not predicted\n\n| claim | | why |\n|---|---:|---|\n");
    for (int64_t i = 0; i < study->untold.count; i++)
        for (int64_t k = 0; k < study->untold.items[i].claims.count; k++) {
            const ClaimGroup *group;
            const ClaimValue *claim =
                claims_find(&study->claims, study->untold.items[i].claims.items[k], &group);
            Buf text = {0};
            report_claim_text(claim->value, group->unit, &text);
            buf_puts(out, "| ");
            escape(group->about, out);
            buf_puts(out, ": ");
            escape(claim->context, out);
            buf_puts(out, " | ");
            put(&text, out);
            buf_puts(out, " | ");
            escape(study->untold.items[i].why, out);
            buf_puts(out, " |\n");
            buf_free(&text);
        }
    buf_putc(out, '\n');
}

static void tally_markdown(const ReportStudy *study, Buf *out) {
    ReportTally tally = report_tally(study);
    buf_printf(out,
               "%lld deployments were planned, %lld of them cannot be. Of %lld rows with a claim "
               "%lld agree, %lld agree "
               "in some columns, %lld do not, and for %lld there is no deployment to compare with.",
               (long long)tally.points, (long long)tally.unplanned, (long long)tally.claims,
               (long long)tally.within, (long long)tally.partly, (long long)tally.outside,
               (long long)tally.infeasible);
    if (study->arithmetic)
        buf_printf(out, " Of %lld computations over their own figures %lld do not hold.",
                   (long long)(tally.checks - tally.implied), (long long)tally.failed);
    buf_puts(out, "\n\n");
}

static void study_markdown(const ReportStudy *study, Buf *out) {
    const char *part = "";
    buf_puts(out, "# ");
    escape(study->study.claims.title, out);
    buf_puts(out, "\n\n");
    tally_markdown(study, out);
    for (int64_t t = 0; t < study->tables.count; t++) {
        const ReportTable *table = &study->tables.items[t];
        if (strcmp(part, table->table->part) != 0)
            buf_printf(out, "## %s\n\n", report_part_title(table->table->part));
        part = table->table->part;
        table_markdown(table, out);
    }
    if (study->arithmetic)
        checks_markdown(&study->study, out);
    if (study->untold)
        untold_markdown(&study->study, out);
}

void report_markdown(const Report *report, Buf *out) {
    buf_puts(out,
             "<!-- Made by gen report. Do not edit. -->\n\n✓ the claim lies within our interval; ▼ "
             "it is lower, ▲ it is "
             "higher than that. A word instead of figures says why a deployment cannot be.\n\n");
    for (const char *const *text = report_assumptions; *text; text++)
        buf_printf(out, "- %s\n", *text);
    buf_putc(out, '\n');
    for (int64_t s = 0; s < report->studies.count; s++)
        study_markdown(&report->studies.items[s], out);
    while (out->length > 1 && out->data[out->length - 1] == '\n' &&
           out->data[out->length - 2] == '\n')
        out->data[--out->length] = '\0';
}
