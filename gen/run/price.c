/* price: see price.h. Everything lies in the caller's arena. It must not know what strategies do
 * with prices. */
#include "run/price.h"

#include "schedule/ledger.h"
#include "schedule/simulate.h"
#include "schedule/size.h"
#include "schedule/walk.h"

_Static_assert((int)PLANNER_LOW == (int)COST_LOW && (int)PLANNER_EXPECTED == (int)COST_EXPECTED &&
                   (int)PLANNER_HIGH == (int)COST_HIGH && (int)PLANNER_CASES == (int)COST_CASES,
               "cases are copied by index");

/* A question runs within the planner's memory, and a planner that runs out of it is ended: what may not go is an
 * answer before. Tables are about a third of what a simulation takes beside them. */
enum { TABLES_MOST = 128 << 20 };

static Status small_enough(const Plan *plan, Diag *diag) {
    ScheduleSize size = schedule_size(plan);
    if (size.bytes <= TABLES_MOST)
        return STATUS_OK;
    char need[24];
    diag_error(diag, diag_nowhere(), "E0524", NULL,
               "a schedule of about %s is too large to ask about",
               ledger_bytes(need, (int64_t)size.bytes));
    return STATUS_NEGATIVE;
}

static Status memory_share(Arena *arena, const Schedule *schedule, double *share, Diag *diag) {
    Ledger ledger = ledger_make(arena, schedule);
    const LedgerRow *fullest = NULL;
    *share = 0;
    for (int64_t i = 0; i < ledger.count; ++i) {
        const LedgerRow *row = &ledger.rows[i];
        double used = (double)row->total / (double)row->capacity;
        if (!fullest || used > *share) {
            fullest = row;
            *share = used;
        }
    }
    if (!fullest || fullest->total <= fullest->capacity)
        return STATUS_OK;
    char need[24], capacity[24], weights[24], state[24];
    diag_error(diag, diag_nowhere(), "E0573", NULL,
               "rank %lld needs %s of %s: weights %s, state %s", (long long)fullest->rank,
               ledger_bytes(need, fullest->total), ledger_bytes(capacity, fullest->capacity),
               ledger_bytes(weights, fullest->weights), ledger_bytes(state, fullest->state));
    return STATUS_NEGATIVE;
}

/* A simulation needs that all ranks come to their end. */
static Status all_end(Arena *arena, const Schedule *schedule, Diag *diag) {
    const WalkVisitor nothing = {0};
    for (int64_t step = 0; step < schedule->plan->steps.count; ++step) {
        WalkStuck stuck;
        if (walk_run(schedule, step, &nothing, arena, &stuck))
            continue;
        const WalkWait *wait = &stuck.waits.items[0];
        diag_error(diag, diag_nowhere(), "E0544", NULL, "step %s: rank %lld waits for rank %lld %s",
                   schedule->plan->steps.items[step].name, (long long)wait->rank,
                   (long long)wait->awaited,
                   wait->ended ? "which has ended" : "which waits in turn for it");
        return STATUS_NEGATIVE;
    }
    return STATUS_OK;
}

Status price_plan(void *context, Arena *arena, const Plan *plan, PlannerPrice *price, Diag *diag) {
    (void)context;
    Schedule schedule;
    TRY(small_enough(plan, diag));
    TRY(schedule_lower(arena, plan, &schedule, diag));
    TRY(memory_share(arena, &schedule, &price->memory, diag));
    TRY(all_end(arena, &schedule, diag));
    Simulation simulation = simulate_times(arena, &schedule);
    for (int at = 0; at < COST_CASES; ++at) {
        price->prefill[at] = simulation.prefill[at];
        price->tpot[at] = simulation.tpot[at];
    }
    return STATUS_OK;
}
