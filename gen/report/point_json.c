/* point_json: a point as JSON, in SI. See point_write.h. */
#include "report/point_write.h"

static int by_name(const void *a, const void *b) {
    return strcmp(point_metrics[*(const int *)a].name, point_metrics[*(const int *)b].name);
}

void point_json_cases(Jsonw *json, const double cases[PLANNER_CASES]) {
    jsonw_object(json, true);
    jsonw_key(json, "expected");
    jsonw_real(json, cases[PLANNER_EXPECTED]);
    jsonw_key(json, "high");
    jsonw_real(json, cases[PLANNER_HIGH]);
    jsonw_key(json, "low");
    jsonw_real(json, cases[PLANNER_LOW]);
    jsonw_end(json);
}

static void write_figures(const Point *point, Jsonw *json) {
    int order[POINT_METRIC_COUNT];
    for (int i = 0; i < POINT_METRIC_COUNT; i++)
        order[i] = i;
    qsort(order, POINT_METRIC_COUNT, sizeof *order, by_name);
    jsonw_object(json, false);
    for (int i = 0; i < POINT_METRIC_COUNT; i++) {
        jsonw_key(json, point_metrics[order[i]].name);
        point_json_cases(json, point->figures[order[i]]);
    }
    jsonw_end(json);
}

void point_json(const Point *point, Jsonw *json) {
    bool answer = point->status == STATUS_OK;
    jsonw_key_int(json, "batch", point->batch);
    jsonw_key_string(json, "bound", answer ? point->bound : NULL);
    jsonw_key_int(json, "capacity", point->capacity);
    jsonw_key_int(json, "context", point->context);
    jsonw_key_int(json, "copies", point->copies);
    jsonw_key_string(json, "decision", point->decision);
    jsonw_key(json, "figures");
    if (answer)
        write_figures(point, json);
    else
        jsonw_null(json);
    jsonw_key_int(json, "gpus", point->gpus);
    jsonw_key_int(json, "memory", point->memory);
    jsonw_key_int(json, "ranks", point->ranks);
    jsonw_key_string(json, "reason", answer ? NULL : point->reason);
    jsonw_key_string(json, "strategy", point->strategy);
    jsonw_key_string(json, "word", answer ? NULL : point->word);
}
