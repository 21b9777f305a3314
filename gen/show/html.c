/* html: gathers the data of the page and gives it to the template; where scripts are off, the page is the
 * plan as text. Scratch is freed before return. */
#include "show/html.h"

#include "holds.h"
#include "html_parts.h"
#include "show/page.h"
#include "show/show.h"
#include "words.h"

/* --- small values
 * -------------------------------------------------------------------------------------- */

void html_put_real(Jsonw *json, const char *key, double value) {
    jsonw_key(json, key);
    jsonw_real(json, value);
}

void html_put_range(Jsonw *json, const char *key, Range range) {
    const int64_t ends[] = {range.begin, range.end};
    html_put_ints(json, key, ends, 2);
}

void html_put_ints(Jsonw *json, const char *key, const int64_t *values, int64_t count) {
    jsonw_key(json, key);
    jsonw_array(json, true);
    for (int64_t i = 0; i < count; ++i)
        jsonw_int(json, values[i]);
    jsonw_end(json);
}

void html_put_interval(Jsonw *json, const char *key, const double value[COST_CASES]) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    html_put_real(json, "expected", value[COST_EXPECTED]);
    html_put_real(json, "high", value[COST_HIGH]);
    html_put_real(json, "low", value[COST_LOW]);
    jsonw_end(json);
}

/* --- the plan
 * ------------------------------------------------------------------------------------------ */

static void put_idle(Jsonw *json, const Plan *plan) {
    jsonw_key(json, "idle");
    jsonw_array(json, false);
    for (int64_t i = 0; i < plan->idle.count; ++i) {
        jsonw_array(json, true);
        jsonw_int(json, plan->idle.items[i].node);
        jsonw_int(json, plan->idle.items[i].gpu);
        jsonw_string(json, plan->idle.items[i].why);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void put_model(Jsonw *json, const Model *model) {
    jsonw_key(json, "model");
    jsonw_object(json, true);
    jsonw_key_int(json, "experts", model->experts);
    jsonw_key_int(json, "heads", model->heads);
    jsonw_key_int(json, "hidden", model->hidden);
    jsonw_key_int(json, "layers", model->layers);
    jsonw_key_string(json, "name", model->name);
    jsonw_key_int(json, "parameters", model_parameters(model));
    jsonw_key_int(json, "top_k", model->top_k);
    jsonw_end(json);
}

static void put_workload(Jsonw *json, const Workload *workload) {
    jsonw_key(json, "workload");
    jsonw_object(json, true);
    jsonw_key_int(json, "batch", workload->batch);
    jsonw_key_int(json, "context", workload->context);
    jsonw_key_string(json, "dtype", element_names[workload->dtype]);
    jsonw_key_int(json, "prefill", workload->prefill);
    jsonw_end(json);
}

static void put_why(Jsonw *json, const Plan *plan) {
    jsonw_key(json, "why");
    jsonw_array(json, false);
    for (int64_t i = 0; i < plan->why.count; ++i) {
        jsonw_object(json, true);
        jsonw_key_string(json, "choice", plan->why.items[i].choice);
        jsonw_key_string(json, "reason", plan->why.items[i].reason);
        jsonw_key_string(json, "runner_up", plan->why.items[i].runner_up);
        jsonw_key_string(json, "where", plan->why.items[i].where);
        jsonw_end(json);
    }
    jsonw_end(json);
}

static void put_figures(Jsonw *json, const Simulation *simulation) {
    jsonw_key(json, "figures");
    jsonw_object(json, false);
    html_put_interval(json, "prefill", simulation->prefill);
    html_put_interval(json, "throughput", simulation->throughput);
    html_put_interval(json, "tpot", simulation->tpot);
    html_put_interval(json, "tps", simulation->tps);
    jsonw_end(json);
}

static void put_deployment(Jsonw *json, const Schedule *schedule) {
    Arena scratch = {0};
    Buf text = {0};
    holds_sentence(schedule, place_all(&scratch, schedule->plan), &text);
    jsonw_key_string(json, "deployment", text.data);
    buf_free(&text);
    arena_free(&scratch);
}

static void put_data(const HtmlPage *page, Buf *out) {
    const Plan *plan = page->schedule->plan;
    Jsonw json;
    jsonw_begin(&json, out);
    jsonw_object(&json, false);
    put_deployment(&json, page->schedule);
    put_figures(&json, page->simulation);
    put_idle(&json, plan);
    html_put_memory(&json, page->ledger);
    put_model(&json, &plan->inputs.model);
    jsonw_key_string(&json, "name", plan->name);
    html_put_nodes(&json, plan);
    jsonw_key_int(&json, "open", page->step);
    html_put_ranks(&json, page->schedule);
    jsonw_key(&json, "steps");
    jsonw_array(&json, false);
    for (int64_t i = 0; i < plan->steps.count; ++i)
        html_put_step(&json, page, i);
    jsonw_end(&json);
    jsonw_key_string(&json, "strategy", plan->strategy);
    jsonw_key_string(&json, "topology", plan->inputs.topology.name);
    put_why(&json, plan);
    put_workload(&json, &plan->inputs.workload);
    jsonw_end(&json);
    jsonw_finish(&json);
}

Status html_write(const HtmlPage *page, Buf *out, Diag *diag) {
    Buf data = {0}, text = {0}, body = {0};
    put_data(page, &data);
    show_plan_text(page->schedule, &text);
    show_prediction_text(page->schedule, page->simulation, &text);
    buf_puts(&body, "<noscript><section><pre>");
    page_escape(text.data, &body);
    buf_puts(&body, "</pre></section></noscript>");
    Page parts = {.template = "show.html",
                  .title = page->schedule->plan->name,
                  .body = body.data,
                  .data = data.data};
    Status status = page_write(&parts, page->share, out, diag);
    buf_free(&data);
    buf_free(&text);
    buf_free(&body);
    return status;
}
