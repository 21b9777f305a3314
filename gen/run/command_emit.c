/* command_emit: gen emit: from a plan, perhaps edited, to a program. */
#include "run/emission.h"
#include "run/inputs.h"

Status command_emit(Run *run) {
    Plan plan;
    TRY(emission_check_target(run));
    TRY(inputs_operand_plan(run, &plan));
    return emission_write(run, &plan, run->options.values[OPTION_OUTPUT]);
}
