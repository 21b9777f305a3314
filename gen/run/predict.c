/* predict: see predict.h. */
#include "run/predict.h"

void predict_print(Run *run, const Simulation *simulation, const Schedule *schedule) {
    const PlanInputs *inputs = &schedule->plan->inputs;
    printf("  predicted for %s at batch %lld: TPOT %s (%s to %s), TPS %.0f (%.0f to %.0f), "
           "prefill %s, throughput %.0f tokens/s\n",
           inputs->topology.name, (long long)inputs->workload.batch,
           run_seconds(run, simulation->tpot[COST_EXPECTED]),
           run_seconds(run, simulation->tpot[COST_LOW]),
           run_seconds(run, simulation->tpot[COST_HIGH]), simulation->tps[COST_EXPECTED],
           simulation->tps[COST_HIGH], simulation->tps[COST_LOW],
           run_seconds(run, simulation->prefill[COST_EXPECTED]),
           simulation->throughput[COST_EXPECTED]);
}

static void json_cases(Jsonw *json, const char *key, const double *values) {
    jsonw_key(json, key);
    jsonw_object(json, true);
    jsonw_key(json, "expected");
    jsonw_real(json, values[COST_EXPECTED]);
    jsonw_key(json, "high");
    jsonw_real(json, values[COST_HIGH]);
    jsonw_key(json, "low");
    jsonw_real(json, values[COST_LOW]);
    jsonw_end(json);
}

void predict_json(const Simulation *simulation, Jsonw *json) {
    jsonw_key(json, "times");
    jsonw_object(json, false);
    json_cases(json, "prefill_s", simulation->prefill);
    json_cases(json, "throughput", simulation->throughput);
    json_cases(json, "tpot_s", simulation->tpot);
    json_cases(json, "tps", simulation->tps);
    jsonw_end(json);
}
