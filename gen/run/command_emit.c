/* command_emit: gen emit: from a plan, perhaps edited, to a program. */
#include "run/emission.h"
#include "run/inputs.h"
#include "run/target.h"

Status command_emit(Run *run) {
    Plan plan;
    EmitTarget target;
    TRY(target_read(run, &target)); /* mistakes in its options come before the work */
    TRY(inputs_operand_plan(run, &plan));
    return emission_write(run, &plan, run->options.values[OPTION_OUTPUT]);
}
