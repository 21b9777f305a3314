/* check_numbers: every number of the schedule fits the type in which a program's tables and kernels hold it (runtime/rt.h:
 * operations, waits and micro-batches in 16 bits; ends, pieces, rows and what kernels are told in 32). A number that
 * was cut off would be another schedule than the proved one. Limits of channels are here too: members, pieces,
 * transfers, rows under way. */
#include "schedule/check_rules.h"

static void check_number(Check *check, const char *of, const char *what, int64_t value,
                         int64_t limit) {
    check_count(check, CHECK_NUMBERS, 1);
    if (value > limit)
        check_fail(check, CHECK_NUMBERS, "cut the model, batch or collective in other parts",
                   "%s: %s is %lld, and a program holds at most %lld there", of, what,
                   (long long)value, (long long)limit);
}

static void check_channel_numbers(Check *check, const Channel *channel) {
    const char *of = arena_printf(check->scratch, "channel %s", channel->name);
    check_number(check, of, "the number of pieces", channel->pieces, INT32_MAX);
    check_number(check, of, "the number of transfers", channel->transfers.count, INT32_MAX);
    check_number(check, of, "the number of members", channel->ranks.count, INT32_MAX);
}

/* Rows of a window are counted through all its ends. */
static void check_exchange_numbers(Check *check, const Exchange *exchange) {
    const char *of = arena_printf(check->scratch, "exchange %s", exchange->name);
    int64_t top_k = check->schedule->top_k, row_bytes = check->model->hidden * check->element;
    int64_t rows = 0, returns = 0;
    check_number(check, of, "the number of bytes a row", row_bytes, INT32_MAX);
    check_number(check, of, "the number of rows a transfer", exchange->chunk, INT32_MAX);
    check_number(check, of, "the number of transfers in flight", exchange->in_flight, INT32_MAX);
    for (int64_t back = 0; back < 2; ++back)
        check_number(check, of, "the number of hops", exchange->hops[back].count, INT32_MAX);
    for (int64_t s = 0; s < exchange->sources.count && rows <= INT32_MAX; ++s) {
        rows += range_length(exchange->sources.items[s].rows);
        for (int64_t t = 0; t < exchange->targets.count && returns <= INT32_MAX; ++t)
            returns += exchange_return_rows(exchange, s, t, top_k);
    }
    check_number(check, of, "the number of rows there", rows, INT32_MAX);
    check_number(check, of, "the number of rows back", returns, INT32_MAX);
}

static bool has_long_number(const Op *op) {
    for (int a = 0; a < OP_ARGS; ++a)
        if (op_info[op->kind].args[a].type == ARG_INT && op->args[a].value > INT32_MAX)
            return true;
    return false;
}

/* Moves take their numbers in 64 bits, kernels and requests in 32. */
static void check_op_numbers(Check *check, int64_t rank, int64_t step, int64_t id) {
    const Op *op = check_op(check, rank, id);
    const OpArg *args = op_info[op->kind].args;
    const char *of = "";
    if (id > INT16_MAX || op->microbatch > INT16_MAX || has_long_number(op)) /* else not told */
        of = check_where(check, rank, step, (WalkItem){id, -1});
    check_number(check, of, "the number of the operation in its role", id, INT16_MAX);
    check_number(check, of, "the micro-batch", op->microbatch, INT16_MAX);
    for (int a = 0; !walk_is_move(op) && a < OP_ARGS && args[a].type != ARG_NONE; ++a)
        if (args[a].type == ARG_INT)
            check_number(check, of, args[a].name, op->args[a].value, INT32_MAX);
}

void check_numbers(Check *check) {
    const Schedule *schedule = check->schedule;
    for (int64_t i = 0; i < schedule->channels.count; ++i)
        check_channel_numbers(check, &schedule->channels.items[i]);
    for (int64_t i = 0; i < schedule->exchanges.count; ++i)
        check_exchange_numbers(check, &schedule->exchanges.items[i]);
    for (int64_t r = 0; r < schedule->world; ++r) {
        const RankSchedule *rank = &schedule->ranks[r];
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t g = 0; g < rank->steps[s].segments.count; ++g) {
                const Segment *segment = &rank->steps[s].segments.items[g];
                ArenaMark mark = arena_mark(check->scratch);
                for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
                    check_op_numbers(check, r, s, i);
                arena_rewind(check->scratch, mark);
            }
    }
}
