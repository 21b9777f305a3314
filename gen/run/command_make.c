/* command_make: gen make: from the inputs to a program. */
#include "run/emission.h"
#include "run/inputs.h"
#include "run/target.h"

Status command_make(Run *run) {
    Plan plan;
    EmitTarget target;
    TRY(target_read(run, &target)); /* mistakes in its options come before the work */
    TRY(inputs_plan(run, &plan));
    return emission_write(run, &plan, run->options.values[OPTION_OUTPUT]);
}
