/* command_diff: gen diff. Two plans beside each other; equal is 0, different 1. */
#include "run/inputs.h"
#include "run/prove.h"
#include "show/diff.h"

/* A plan with its schedule, proof and, where it is proved, times. What the proof says against it is told by
 * the difference itself. */
static Status read_side(Run *run, const char *path, DiffSide *side) {
    Plan *plan = ARENA_NEW(&run->arena, Plan);
    Schedule *schedule = ARENA_NEW(&run->arena, Schedule);
    CheckReport *report = ARENA_NEW(&run->arena, CheckReport);
    Diag refusals = {.arena = &run->arena};
    *side = (DiffSide){.label = path, .plan = plan, .schedule = schedule, .report = report};
    TRY(inputs_plan_at(run, path, plan));
    TRY(schedule_lower(&run->arena, plan, schedule, &run->diag));
    side->proved = check_schedule(schedule, report, &run->arena, &refusals) == STATUS_OK;
    if (side->proved)
        side->simulation = simulate(&run->arena, schedule);
    return STATUS_OK;
}

Status command_diff(Run *run) {
    DiffSide a, b;
    Buf text = {0};
    TRY(read_side(run, run->options.operand, &a));
    TRY(read_side(run, run->options.second, &b));
    if (run_json(run))
        diff_json(&run->arena, &a, &b, &text);
    else
        diff_text(&run->arena, &a, &b, &text);
    fwrite(text.data, 1, text.length, stdout);
    buf_free(&text);
    return diff_equal(a.plan, b.plan) ? STATUS_OK : STATUS_NEGATIVE;
}
