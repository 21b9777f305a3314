/* report: see report.h. */
#include "report/report.h"

#include "base/fs.h"
#include "report/report_internal.h"

#include <math.h>
#include <string.h>

const char *const report_verdicts[] = {"none", "within", "lower", "higher", "infeasible"};

/* --- which parts ---------------------------------------------------------------------------------------- */

static const char ARITHMETIC[] = "arithmetic", UNTOLD[] = "untold";

/* Whether one of the names in `only` is this. */
static bool named(const char *only, const char *name) {
    size_t length = strlen(name);
    for (const char *at = only; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

static bool wanted(const char *only, const char *part) {
    return !only || named(only, part);
}

typedef LIST_OF(const char *) Names;

static void add_name(Arena *arena, Names *names, const char *name) {
    for (int64_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    *(const char **)LIST_PUSH(arena, names) = name;
}

static Status check_only(Arena *arena, const Report *report, const char *only, Diag *diag) {
    Names names = {0};
    const char *list = "parts are";
    for (int64_t s = 0; s < report->studies.count; s++)
        for (int64_t t = 0; t < report->studies.items[s].study.tables.count; t++)
            add_name(arena, &names, report->studies.items[s].study.tables.items[t].part);
    add_name(arena, &names, ARITHMETIC);
    add_name(arena, &names, UNTOLD);
    for (int64_t i = 0; i < names.count; i++)
        list = arena_printf(arena, "%s%s %s", list, i ? "," : "", names.items[i]);
    char *rest = arena_strdup(arena, only);
    for (char *name = strsep(&rest, ","); name; name = strsep(&rest, ",")) {
        bool known = false;
        for (int64_t i = 0; i < names.count; i++)
            known = known || strcmp(names.items[i], name) == 0;
        if (known)
            continue;
        diag_error(diag, diag_nowhere(), "E0918", list, "the report has no part '%s'", name);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static void mark(const Study *study, const TextList *ids) {
    for (int64_t i = 0; i < ids->count; i++)
        study_point(study, ids->items[i])->wanted = true;
}

/* Mark what the tables that are wanted need; how many points that are. */
static int64_t select(Study *study, const char *only) {
    int64_t count = 0;
    for (int64_t t = 0; t < study->tables.count; t++) {
        StudyTable *table = &study->tables.items[t];
        table->wanted = wanted(only, table->part);
        for (int64_t r = 0; table->wanted && r < table->rows.count; r++) {
            mark(study, &table->rows.items[r].points);
            mark(study, &table->rows.items[r].versus);
        }
    }
    for (int64_t i = 0; i < study->points.count; i++)
        count += study->points.items[i].wanted;
    return count;
}

/* --- points --------------------------------------------------------------------------------------------- */

static Status predict(Arena *arena, const ReportRequest *request, StudyPoint *point, Diag *diag) {
    OverrideList settings = {0};
    for (int64_t i = 0; i < point->set.count; i++)
        TRY(override_parse(arena, point->set.items[i], diag_nowhere(), &settings, diag));
    PointRequest ask = {.model = fs_join(arena, request->models, point->model),
                        .topology = fs_join(arena, request->topologies, point->topology),
                        .settings = &settings,
                        .strategy = point->strategy,
                        .share = request->share,
                        .price = request->price};
    return point_evaluate(arena, &ask, &point->point, diag);
}

/* --- cells ------------------------------------------------------------------------------------------------ */

void report_judge(ReportCell *cell) {
    double low = cell->ours[PLANNER_LOW], high = cell->ours[PLANNER_HIGH];
    cell->verdict = REPORT_NONE;
    if (!cell->answered) {
        cell->verdict = REPORT_INFEASIBLE;
        return;
    }
    if (!cell->claim || isnan(low))
        return;
    double counted = low == high ? 0.01 * fabs(low) : 0;
    cell->verdict = cell->claimed < low - counted    ? REPORT_LOWER
                    : cell->claimed > high + counted ? REPORT_HIGHER
                                                     : REPORT_WITHIN;
}

/* Both at the same case of the costs: what is wrong with a constant is wrong for both. */
static void relate(const StudyRow *row, const Point *point, const Point *versus, double scale,
                   double ours[PLANNER_CASES]) {
    PointMetric metric = point_metric(row->metric);
    double of[PLANNER_CASES];
    for (int at = 0; at < PLANNER_CASES; at++) {
        double ratio = point->figures[metric][at] / (versus ? versus->figures[metric][at] : 1);
        of[at] = scale * (row->as == STUDY_LESS   ? 1 - ratio
                          : row->as == STUDY_MORE ? ratio - 1
                                                  : ratio);
    }
    ours[PLANNER_EXPECTED] = of[PLANNER_EXPECTED];
    ours[PLANNER_LOW] = fmin(of[0], fmin(of[1], of[2]));
    ours[PLANNER_HIGH] = fmax(of[0], fmax(of[1], of[2]));
}

static void find_claim(const Study *study, const StudyRow *row, int64_t column, ReportCell *cell) {
    const TextList *claims = &row->claims;
    const char *id = claims->count == 0   ? ""
                     : claims->count == 1 ? claims->items[0]
                                          : claims->items[column];
    const ClaimGroup *group;
    cell->claim = *id ? claims_find(&study->claims, id, &group) : NULL;
    if (!cell->claim)
        return;
    cell->claim_group = group;
    cell->claimed = cell->claim->value * claims_unit(group->unit);
}

static void fill_cell(const Study *study, const StudyRow *row, int64_t column, ReportCell *cell) {
    const StudyPoint *versus = cell->versus =
        row->versus.count ? study_point(study, row->versus.items[column]) : NULL;
    double scale = row->scales.count ? row->scales.items[column].factor : 1;
    cell->point = study_point(study, row->points.items[column]);
    cell->unit = row->as == STUDY_VALUE   ? point_metrics[point_metric(row->metric)].unit
                 : row->as == STUDY_RATIO ? "x"
                                          : "%";
    cell->answered =
        cell->point->point.status == STATUS_OK && (!versus || versus->point.status == STATUS_OK);
    if (cell->answered)
        relate(row, &cell->point->point, versus ? &versus->point : NULL, scale, cell->ours);
    find_claim(study, row, column, cell);
    report_judge(cell);
}

static void fill_table(Arena *arena, const Study *study, const StudyTable *table,
                       ReportTable *out) {
    out->table = table;
    for (int64_t r = 0; r < table->rows.count; r++) {
        ReportRow *row = LIST_PUSH(arena, &out->rows);
        row->row = &table->rows.items[r];
        row->cells = ARENA_ARRAY(arena, table->columns.count, ReportCell);
        for (int64_t c = 0; c < table->columns.count; c++)
            fill_cell(study, row->row, c, &row->cells[c]);
        row->why = report_why(arena, study, out, r);
    }
}

/* --- all of it -------------------------------------------------------------------------------------------- */

/* A list of a few: insertion keeps those of equal order by name. */
static void sort_studies(Report *report) {
    for (int64_t i = 1; i < report->studies.count; i++)
        for (int64_t k = i; k > 0; k--) {
            ReportStudy *a = &report->studies.items[k - 1], *b = &report->studies.items[k], swap;
            if (a->study.claims.order <= b->study.claims.order)
                break;
            swap = *a;
            *a = *b;
            *b = swap;
        }
}

static Status read_studies(Arena *arena, const ReportRequest *request, Report *report, Diag *diag) {
    for (const char *const *name = study_names(arena); *name; name++) {
        ReportStudy *study = LIST_PUSH(arena, &report->studies);
        study->name = *name;
        TRY(study_read(arena, request->share, *name, &study->study, diag));
    }
    sort_studies(report);
    return request->only ? check_only(arena, report, request->only, diag) : STATUS_OK;
}

static Status predict_all(Arena *arena, const ReportRequest *request, Report *report, Diag *diag) {
    int64_t all = 0, done = 0;
    for (int64_t s = 0; s < report->studies.count; s++)
        all += select(&report->studies.items[s].study, request->only);
    for (int64_t s = 0; s < report->studies.count; s++) {
        Study *study = &report->studies.items[s].study;
        for (int64_t i = 0; i < study->points.count; i++) {
            if (!study->points.items[i].wanted)
                continue;
            request->progress(request->context, done++, all);
            TRY(predict(arena, request, &study->points.items[i], diag));
        }
    }
    return STATUS_OK;
}

Status report_make(Arena *arena, const ReportRequest *request, Report *report, Diag *diag) {
    TRY(read_studies(arena, request, report, diag));
    TRY(predict_all(arena, request, report, diag));
    for (int64_t s = 0; s < report->studies.count; s++) {
        ReportStudy *study = &report->studies.items[s];
        study->arithmetic = wanted(request->only, ARITHMETIC);
        study->untold = wanted(request->only, UNTOLD);
        for (int64_t t = 0; t < study->study.tables.count; t++)
            if (study->study.tables.items[t].wanted)
                fill_table(arena, &study->study, &study->study.tables.items[t],
                           LIST_PUSH(arena, &study->tables));
    }
    return STATUS_OK;
}
