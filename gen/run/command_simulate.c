/* command_simulate: gen simulate. Prints what a plan is predicted to take, or all of it as JSON. */
#include "base/fs.h"
#include "run/inputs.h"
#include "run/predict.h"
#include "run/prove.h"
#include "show/trace.h"

static Status refused(Run *run) {
    run_say(run, "a plan that is refused has no times: gen check tells why");
    return STATUS_NEGATIVE;
}

/* The time line of all steps to the file of --trace. */
static Status write_trace(Run *run, const Schedule *schedule) {
    const char *path = run->options.values[OPTION_TRACE];
    if (!path)
        return STATUS_OK;
    Buf text = {0};
    trace_write(schedule, -1, -1, COST_EXPECTED, &text);
    Status status = fs_write(path, text.data, text.length, &run->diag);
    buf_free(&text);
    return status;
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
    TRY(write_trace(run, &schedule));
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
