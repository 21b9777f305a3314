/* emit_case: one golden case, from the inputs to an emitted directory, without cost model or command line, so
 * that the files depend on the plan alone.
 * usage: emit_case MODEL TOPOLOGY WORKLOAD STRATEGY NAME DIR */
#include "base/fs.h"
#include "emit/program.h"
#include "plan/planner.h"
#include "schedule/certificate.h"

#include <stdio.h>

static Status emit_case(Arena *arena, char **argv, Diag *diag) {
    Plan plan = {0};
    Schedule schedule;
    TRY(model_read(arena, argv[1], NULL, &plan.inputs.model, diag));
    TRY(topology_read(arena, argv[2], &plan.inputs.topology, diag));
    TRY(workload_read(arena, argv[3], &plan.inputs.workload, diag));
    workload_complete(&plan.inputs.workload, &plan.inputs.model);
    TRY(planner_run(arena, &(PlannerRequest){.strategy = argv[4], .name = argv[5]}, &plan, diag));
    TRY(schedule_lower(arena, &plan, &schedule, diag));
    Buf certificate = {0};
    TRY(certificate_text(arena, &schedule, &certificate, diag));
    Status status = emit_program(arena, &schedule, certificate.data, "{}\n", argv[6],
                                 (EmitOptions){.version = "golden"}, diag);
    buf_free(&certificate);
    return status;
}

int main(int argc, char **argv) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    if (argc != 7) {
        fputs("usage: emit_case MODEL TOPOLOGY WORKLOAD STRATEGY NAME DIR\n", stderr);
        return STATUS_USAGE;
    }
    Status status = emit_case(&arena, argv, &diag);
    diag_render(&diag, stderr);
    arena_free(&arena);
    return (int)status;
}
