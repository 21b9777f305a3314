/* report_json: a report as JSON and as a page. See report_write.h. */
#include "report/point_write.h"
#include "report/report_write.h"
#include "show/page.h"

static void key_text(Jsonw *json, const char *key, const Buf *text) {
    jsonw_key_string(json, key, text->length ? text->data : "");
}

static void json_texts(Jsonw *json, const char *key, const TextList *list) {
    jsonw_key(json, key);
    jsonw_array(json, true);
    for (int64_t i = 0; i < list->count; i++)
        jsonw_string(json, list->items[i]);
    jsonw_end(json);
}

static void json_claim(const ClaimValue *claim, const ClaimGroup *group, Jsonw *json) {
    Buf text = {0};
    report_claim_text(claim->value, group->unit, &text);
    jsonw_object(json, true);
    jsonw_key_string(json, "about", group->about);
    jsonw_key_string(json, "context", claim->context);
    json_texts(json, "documents", &group->documents);
    jsonw_key_string(json, "id", claim->id);
    key_text(json, "text", &text);
    jsonw_key_string(json, "unit", group->unit);
    jsonw_key(json, "value");
    jsonw_real(json, claim->value);
    jsonw_end(json);
    buf_free(&text);
}

static void json_cell(const ReportCell *cell, Jsonw *json) {
    Buf text = {0};
    report_ours_text(cell, &text);
    jsonw_object(json, false);
    jsonw_key(json, "claim");
    if (cell->claim)
        json_claim(cell->claim, cell->claim_group, json);
    else
        jsonw_null(json);
    jsonw_key(json, "claimed"); /* in the unit of ours */
    if (cell->claim)
        jsonw_real(json, cell->claimed);
    else
        jsonw_null(json);
    jsonw_key(json, "ours");
    if (cell->answered)
        point_json_cases(json, cell->ours);
    else
        jsonw_null(json);
    jsonw_key_string(json, "point", cell->point->id);
    key_text(json, "text", &text);
    jsonw_key_string(json, "unit", cell->unit);
    jsonw_key_string(json, "verdict", report_verdicts[cell->verdict]);
    jsonw_end(json);
    buf_free(&text);
}

static void json_table(const ReportTable *table, Jsonw *json) {
    static const char *const charts[] = {"none", "spans", "lines"};
    const StudyTable *of = table->table;
    jsonw_object(json, false);
    jsonw_key_string(json, "about", of->about);
    jsonw_key_string(json, "chart", charts[of->chart]);
    json_texts(json, "columns", &of->columns);
    jsonw_key_string(json, "id", of->id);
    jsonw_key(json, "log");
    jsonw_bool(json, of->log);
    jsonw_key_string(json, "part", of->part);
    jsonw_key_string(json, "part_title", report_part_title(of->part));
    jsonw_key(json, "rows");
    jsonw_array(json, false);
    for (int64_t r = 0; r < table->rows.count; r++) {
        const ReportRow *row = &table->rows.items[r];
        jsonw_object(json, false);
        jsonw_key(json, "cells");
        jsonw_array(json, false);
        for (int64_t c = 0; c < of->columns.count; c++)
            json_cell(&row->cells[c], json);
        jsonw_end(json);
        jsonw_key_string(json, "metric", row->row->metric);
        jsonw_key_string(json, "what", row->row->what);
        jsonw_key_string(json, "why", row->why);
        jsonw_end(json);
    }
    jsonw_end(json);
    Buf sources = {0};
    report_sources_text(table, &sources);
    key_text(json, "sources", &sources);
    buf_free(&sources);
    jsonw_key_string(json, "title", of->title);
    jsonw_key_string(json, "x", of->x);
    jsonw_end(json);
}

static void json_checks(const ReportStudy *study, Jsonw *json) {
    jsonw_key(json, "checks");
    jsonw_array(json, false);
    for (int64_t i = 0; study->arithmetic && i < study->study.checks.count; i++) {
        const StudyCheck *check = &study->study.checks.items[i];
        jsonw_object(json, false);
        Buf follows = {0}, stated = {0};
        report_figure_text(check->follows, check->unit, &follows);
        if (check->relation != STUDY_IMPLIED)
            report_figure_text(check->stated, check->unit, &stated);
        jsonw_key(json, "follows");
        jsonw_real(json, check->follows);
        key_text(json, "follows_text", &follows);
        jsonw_key(json, "holds");
        jsonw_bool(json, check->holds);
        jsonw_key_string(json, "how", check->how);
        jsonw_key_string(json, "relation", study_relations[check->relation]);
        jsonw_key(json, "stated");
        if (check->relation == STUDY_IMPLIED)
            jsonw_null(json);
        else
            jsonw_real(json, check->stated);
        key_text(json, "stated_text", &stated);
        buf_free(&follows);
        buf_free(&stated);
        jsonw_key_string(json, "title", check->title);
        jsonw_key_string(json, "unit", check->unit);
        json_texts(json, "uses", &check->uses);
        jsonw_key_string(json, "verdict", report_check_text(check));
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void json_points(const Study *study, Jsonw *json) {
    jsonw_key(json, "points");
    jsonw_array(json, false);
    for (int64_t i = 0; i < study->points.count; i++) {
        const StudyPoint *point = &study->points.items[i];
        if (!point->wanted)
            continue;
        jsonw_object(json, false);
        jsonw_key_string(json, "id", point->id);
        jsonw_key_string(json, "model", point->model);
        jsonw_key(json, "plan");
        jsonw_object(json, false);
        point_json(&point->point, json);
        jsonw_end(json);
        json_texts(json, "set", &point->set);
        jsonw_key_string(json, "topology", point->topology);
        jsonw_end(json);
    }
    jsonw_end(json);
}

/* Claims that points are not compared with, each with its group and the reason. */
static void json_untold(const ReportStudy *study, Jsonw *json) {
    jsonw_key(json, "untold");
    jsonw_array(json, false);
    for (int64_t i = 0; study->untold && i < study->study.untold.count; i++) {
        const StudyUntold *untold = &study->study.untold.items[i];
        for (int64_t k = 0; k < untold->claims.count; k++) {
            const ClaimGroup *group;
            const ClaimValue *claim =
                claims_find(&study->study.claims, untold->claims.items[k], &group);
            jsonw_object(json, false);
            jsonw_key_string(json, "about", group->about);
            jsonw_key(json, "claim");
            json_claim(claim, group, json);
            jsonw_key_string(json, "why", untold->why);
            jsonw_end(json);
        }
    }
    jsonw_end(json);
}

static void json_tally(const ReportStudy *study, Jsonw *json) {
    ReportTally tally = report_tally(study);
    jsonw_key(json, "tally");
    jsonw_object(json, true);
    jsonw_key_int(json, "checks", tally.checks);
    jsonw_key_int(json, "claims", tally.claims);
    jsonw_key_int(json, "failed", tally.failed);
    jsonw_key_int(json, "implied", tally.implied);
    jsonw_key_int(json, "infeasible", tally.infeasible);
    jsonw_key_int(json, "outside", tally.outside);
    jsonw_key_int(json, "partly", tally.partly);
    jsonw_key_int(json, "points", tally.points);
    jsonw_key_int(json, "unplanned", tally.unplanned);
    jsonw_key_int(json, "within", tally.within);
    jsonw_end(json);
}

static void json_study(const ReportStudy *study, Jsonw *json) {
    jsonw_object(json, false);
    json_checks(study, json);
    jsonw_key_string(json, "name", study->name);
    json_points(&study->study, json);
    jsonw_key(json, "tables");
    jsonw_array(json, false);
    for (int64_t t = 0; t < study->tables.count; t++)
        json_table(&study->tables.items[t], json);
    jsonw_end(json);
    json_tally(study, json);
    jsonw_key_string(json, "title", study->study.claims.title);
    json_untold(study, json);
    jsonw_end(json);
}

void report_json(const Report *report, Jsonw *json) {
    jsonw_object(json, false);
    jsonw_key(json, "assumptions");
    jsonw_array(json, false);
    for (const char *const *text = report_assumptions; *text; text++)
        jsonw_string(json, *text);
    jsonw_end(json);
    jsonw_key(json, "studies");
    jsonw_array(json, false);
    for (int64_t s = 0; s < report->studies.count; s++)
        json_study(&report->studies.items[s], json);
    jsonw_end(json);
    jsonw_end(json);
}

Status report_page(const Report *report, const char *share, Buf *out, Diag *diag) {
    Buf data = {0};
    Jsonw json;
    jsonw_begin(&json, &data);
    report_json(report, &json);
    jsonw_finish(&json);
    Page page = {.template = "report.html", .title = "Claims and predictions", .data = data.data};
    Status status = page_write(&page, share, out, diag);
    buf_free(&data);
    return status;
}
