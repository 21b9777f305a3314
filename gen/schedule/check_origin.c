/* check_origin: where an operation of a counterexample comes from, for who has to change it: the item of the plan's
 * order, the rule of lowering, the move of the plan and the line of the planner that chose it. */
#include "schedule/check_rules.h"

#include <string.h>

static bool list_has(const IntList *list, int64_t value) {
    for (int64_t i = 0; i < list->count; ++i)
        if (list->items[i] == value)
            return true;
    return false;
}

/* The layers of the segment that the operation is in. */
static Range layers_of(const Check *check, int64_t rank, int64_t step, int64_t op) {
    const RankStep *of = &check->schedule->ranks[rank].steps[step];
    for (int64_t g = 0; g < of->segments.count; ++g)
        if (op >= of->segments.items[g].first &&
            op < of->segments.items[g].first + of->segments.items[g].count)
            return of->segments.items[g].layers;
    return (Range){0, 0};
}

/* "steps[0].orders[1].loops[2].items[0]", "" where the plan has no such item. */
static const char *item_path(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Op *op = check_op(check, rank, id);
    const PlanStep *of = &check->plan->steps.items[step];
    Range layers = layers_of(check, rank, step, id);
    for (int64_t o = 0; o < of->orders.count; ++o) {
        const PlanOrder *order = &of->orders.items[o];
        if (!list_has(&order->ranks, rank % check->plan->ranks_per_copy))
            continue;
        for (int64_t l = 0; l < order->loops.count; ++l) {
            const PlanLoop *loop = &order->loops.items[l];
            if (layers.begin < loop->layers.begin || layers.end > loop->layers.end)
                continue;
            for (int64_t i = 0; i < loop->items.count; ++i) {
                const PlanItem *item = &loop->items.items[i];
                if (item->part == op->part && item->microbatch == op->microbatch &&
                    item->lag == op->lag)
                    return arena_printf(check->scratch,
                                        "steps[%lld].orders[%lld].loops[%lld].items[%lld]",
                                        (long long)step, (long long)o, (long long)l, (long long)i);
            }
        }
    }
    return "";
}

/* The line of the planner that chose how a move goes: a choice of its algorithm or, for this step, of its mode. */
static const char *chosen_at(const Check *check, const PlanStep *step, const PlanMove *move) {
    const char *mode = move->mode == MODE_EXACT ? " exact" : " padded";
    bool exchange = move->kind == MOVE_DISPATCH || move->kind == MOVE_COMBINE;
    for (int64_t i = 0; i < check->plan->why.count; ++i) {
        const PlanWhy *why = &check->plan->why.items[i];
        size_t length = strlen(why->choice), name = strlen(move->algorithm);
        bool algorithm = length > name + 1 && why->choice[length - name - 1] == ' ' &&
                         strcmp(why->choice + length - name, move->algorithm) == 0;
        bool way = exchange && length > strlen(mode) &&
                   strncmp(why->choice, step->name, strlen(step->name)) == 0 &&
                   strcmp(why->choice + length - strlen(mode), mode) == 0;
        if ((algorithm || way) && why->where && *why->where)
            return why->where;
    }
    return NULL;
}

/* ", as steps[0].moves[1] says (lua/lib/choose.lua:116)", "" for what moves nothing. */
static const char *move_path(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Op *op = check_op(check, rank, id);
    const PlanStep *of = &check->plan->steps.items[step];
    if (!walk_is_move(op))
        return "";
    const Channel *channel = &check->schedule->channels.items[op->channel];
    for (int64_t m = 0; m < of->moves.count; ++m) {
        const PlanMove *move = &of->moves.items[m];
        bool mine = move->kind == channel->move && move->stream == channel->stream;
        for (int64_t s = 0; mine && move->group >= 0 && s < move->stages.count; ++s) {
            mine = false;
            for (int64_t k = 0; !mine && k < move->stages.items[s].sets.count; ++k)
                mine = list_has(&move->stages.items[s].sets.items[k].ranks,
                                rank % check->plan->ranks_per_copy);
        }
        if (!mine)
            continue;
        const char *line = chosen_at(check, of, move);
        return arena_printf(check->scratch, ", as steps[%lld].moves[%lld] says%s%s%s",
                            (long long)step, (long long)m, line ? " (" : "", line ? line : "",
                            line ? ")" : "");
    }
    return "";
}

const char *check_origin(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Op *op = check_op(check, rank, id);
    const char *path = item_path(check, rank, step, id);
    return arena_printf(check->scratch, "op %lld of rank %lld is %s%s%s%s", (long long)id,
                        (long long)rank, path, *path ? " by " : "by ",
                        op->rule ? op->rule : "no rule", move_path(check, rank, step, id));
}
