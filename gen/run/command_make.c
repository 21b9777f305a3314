/* command_make: gen make: from the inputs to a program. */
#include "run/emission.h"
#include "run/inputs.h"

Status command_make(Run *run) {
    Plan plan;
    TRY(emission_check_target(run));
    TRY(inputs_plan(run, &plan));
    return emission_write(run, &plan, run->options.values[OPTION_OUTPUT]);
}
