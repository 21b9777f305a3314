/* capture: which steps can be recorded once and replayed, as a CUDA graph is. Exact moves bring their counts to
 * the host first; one of them anywhere keeps the whole step from being captured, on all ranks and copies alike, so that
 * all that meet take the same way. */
#include "schedule/lower.h"

static bool may_capture(const Schedule *schedule, int64_t step) {
    if (schedule->plan->steps.items[step].phase != PHASE_DECODE)
        return false;
    for (int64_t i = 0; i < schedule->exchanges.count; ++i) {
        const Exchange *exchange = &schedule->exchanges.items[i];
        if (exchange->step == step && !exchange->local && exchange->mode == MODE_EXACT)
            return false;
    }
    return true;
}

void schedule_capture(Schedule *schedule) {
    for (int64_t step = 0; step < schedule->plan->steps.count; ++step) {
        bool captured = may_capture(schedule, step);
        for (int64_t rank = 0; rank < schedule->world; ++rank)
            schedule->ranks[rank].steps[step].captured = captured;
    }
}
