/* check_capture: a rank that replays a recorded step gives its peers what it was recorded with, whatever they do: ranks
 * that meet capture a step together or not at all, and what is captured moves the same bytes each time. */
#include "schedule/check_rules.h"

/* The number of rows of an exact exchange is known on the host only once it has come. */
static bool takes_count(const Check *check, const Op *op) {
    return op_info[op->kind].class == OPCLASS_EXCHANGE &&
           check->schedule->exchanges.items[op->exchange].mode == MODE_EXACT;
}

/* Members of the move's channel that do otherwise than this rank; told by the rank that captures. */
static void check_peers(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Channel *channel = &check->schedule->channels.items[check_op(check, rank, id)->channel];
    for (int64_t i = 0; i < channel->ranks.count; ++i) {
        int64_t peer = channel->ranks.items[i];
        if (check->schedule->ranks[peer].steps[step].captured)
            continue;
        check_fail(check, CHECK_CAPTURE, NULL,
                   "%s is captured, but rank %lld meets it on channel %s and does not capture the "
                   "step",
                   check_where(check, rank, step, (WalkItem){id, -1}), (long long)peer,
                   channel->name);
        return;
    }
}

static void check_segment(Check *check, int64_t rank, int64_t step, const Segment *segment) {
    for (int64_t id = segment->first; id < segment->first + segment->count; ++id) {
        const Op *op = check_op(check, rank, id);
        if (!walk_is_move(op))
            continue;
        check_peers(check, rank, step, id);
        if (takes_count(check, op))
            check_fail(check, CHECK_CAPTURE, "let the step move padded, or not be captured",
                       "%s is captured, but moves exact counts, which differ from one run to the "
                       "next",
                       check_where(check, rank, step, (WalkItem){id, -1}));
    }
}

void check_capture(Check *check) {
    for (int64_t rank = 0; rank < check->schedule->world; ++rank)
        for (int64_t step = 0; step < check->plan->steps.count; ++step) {
            const RankStep *of = &check->schedule->ranks[rank].steps[step];
            check_count(check, CHECK_CAPTURE, 1);
            for (int64_t g = 0; of->captured && g < of->segments.count; ++g)
                check_segment(check, rank, step, &of->segments.items[g]);
        }
}
