/* emit_case: one golden case, from the inputs to an emitted directory, without cost model or command line, so
 * that the files depend on the plan alone.
 * usage: emit_case host|aot|nvrtc MODEL TOPOLOGY WORKLOAD STRATEGY NAME DIR */
#include "base/fs.h"
#include "emit/program.h"
#include "plan/planner.h"
#include "schedule/certificate.h"

#include <stdio.h>
#include <string.h>

/* "host", or who compiles the kernels of a program for GPUs. */
static EmitTarget target_of(const char *name) {
    static EmitArch arch[] = {{"sm_80", 80}, {"sm_90a", 90}};
    if (strcmp(name, "host") == 0)
        return (EmitTarget){.name = name};
    return (EmitTarget){.name = "cuda", .kernels = name, .arch = {.items = arch, .count = 2}};
}

static Status emit_case(Arena *arena, char **argv, Diag *diag) {
    Plan plan = {0};
    Schedule schedule;
    TRY(model_read(arena, argv[2], NULL, &plan.inputs.model, diag));
    TRY(topology_read(arena, argv[3], &plan.inputs.topology, diag));
    TRY(workload_read(arena, argv[4], &plan.inputs.workload, diag));
    workload_complete(&plan.inputs.workload, &plan.inputs.model);
    TRY(planner_run(arena, &(PlannerRequest){.strategy = argv[5], .name = argv[6]}, &plan, diag));
    TRY(schedule_lower(arena, &plan, &schedule, diag));
    Buf certificate = {0};
    TRY(certificate_text(arena, &schedule, &certificate, diag));
    Status status =
        emit_program(arena, &schedule, certificate.data, "{}\n", argv[7],
                     (EmitOptions){.version = "golden", .target = target_of(argv[1])}, diag);
    buf_free(&certificate);
    return status;
}

int main(int argc, char **argv) {
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    if (argc != 8) {
        fputs("usage: emit_case host|aot|nvrtc MODEL TOPOLOGY WORKLOAD STRATEGY NAME DIR\n",
              stderr);
        return STATUS_USAGE;
    }
    Status status = emit_case(&arena, argv, &diag);
    diag_render(&diag, stderr);
    arena_free(&arena);
    return (int)status;
}
