/* command_simulate: gen simulate. Prints what a plan is predicted to take, or all of it as JSON. */
#include "run/inputs.h"
#include "run/predict.h"
#include "run/prove.h"

static Status refused(Run *run) {
    run_say(run, "a plan that is refused has no times: gen check tells why");
    return STATUS_NEGATIVE;
}

Status command_simulate(Run *run) {
    Plan plan;
    Schedule schedule;
    CheckReport report;
    TRY(inputs_operand_plan(run, &plan));
    Status status = prove_plan(run, &plan, &schedule, &report);
    if (status == STATUS_NEGATIVE)
        return refused(run);
    TRY(status);
    Simulation simulation = simulate(&run->arena, &schedule);
    Buf text = {0};
    if (run_json(run)) {
        simulate_write(&simulation, &schedule, &text);
    } else {
        buf_printf(&text, "%s: %s\n", plan.name, inputs_grid(run, &plan));
        predict_text(run, &simulation, &schedule, &text);
    }
    fwrite(text.data, 1, text.length, stdout);
    buf_free(&text);
    return STATUS_OK;
}
