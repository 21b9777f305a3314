/* check: runs the rules in order and keeps the report. Scratch of a proof is freed at its end;
 * the report's ledger lies in the caller's arena. */
#include "schedule/check.h"
#include "schedule/check_rules.h"

#include <stdarg.h>
#include <stdio.h>

enum { FAILURES_TOLD = 2 }; /* of a rule, so that each refusing rule is heard within DIAG_LIMIT */

static const CheckRule rule_table[CHECK_RULE_COUNT] = {
#define RULE(id, name_, code_, unit_, proves_)                                                     \
    [CHECK_##id] = {.name = name_, .code = code_, .unit = unit_, .proves = proves_},
    CHECK_RULES(RULE)
#undef RULE
};

/* What a person who edited the plan can do; failures that know better say so. */
static const char *const rule_cures[CHECK_RULE_COUNT] = {
    [CHECK_REQUESTS] =
        "let requests of stages[0].attention tile the batch of a copy, from 0 without gaps",
    [CHECK_RESULTS] =
        "let requests of stages[0].attention tile the batch of a copy, from 0 without gaps",
    [CHECK_HEADS] =
        "let heads of a group's members in stages[0].attention tile all heads, from 0 without gaps",
    [CHECK_KV_HEADS] =
        "let heads of a group's members in stages[0].attention tile all heads, from 0 without gaps",
    [CHECK_EXPERTS] =
        "let stages[0].experts name each expert's layers and columns once per replica",
    [CHECK_ROUTES] = "let stages[0].experts name each expert's layers and columns once per replica",
    [CHECK_DENSE] = "let columns of a group's members in ffn of the stage tile all of them",
    [CHECK_VOCABULARY] =
        "let entries of the members in embedding and head tile the vocabulary, or be all of it",
    [CHECK_WORK] = "correct the orders of this step, or plan again",
    [CHECK_COLLECTIVE] = "correct the orders and moves of this step, or plan again",
    [CHECK_EXCHANGE] = "correct the orders and moves of this step, or plan again",
    [CHECK_CAPTURE] = "let all ranks of the step capture it or none, and its moves be padded",
    [CHECK_CHANNEL] =
        "correct the orders of this step: all members come to their moves in one order",
    [CHECK_REDUCE] =
        "correct the stages of this move: each member's part of each piece is summed once",
    [CHECK_EVENTS] = "correct the orders of this step, or plan again",
    [CHECK_ASSOCIATION] =
        "let one member add the parts and give the sum to the others, or let both add the same",
    [CHECK_GATHER] = "correct the stages of this move: each member needs each piece",
    [CHECK_UNWRITTEN] = "correct the orders of this step: something is to run before",
    [CHECK_STALE] = "correct the orders of this step: something runs too early or too late",
};

void check_count(Check *check, CheckRuleId rule, int64_t n) {
    check->report->rules[rule].count += n;
}

/* The cure, and where the operations that the counterexample names come from. */
static const char *help_of(Check *check, CheckRuleId rule, const char *help) {
    const char *text = help ? help : rule_cures[rule];
    for (int64_t i = 0; i < check->named_count; ++i)
        text = arena_printf(
            check->scratch, "%s%s%s", text ? text : "", text ? "; " : "",
            check_origin(check, check->named[i].rank, check->named[i].step, check->named[i].op));
    return text;
}

void check_fail(Check *check, CheckRuleId rule, const char *help, const char *format, ...) {
    CheckRule *of = &check->report->rules[rule];
    ++check->report->failures;
    if (++of->failures <= FAILURES_TOLD) {
        char text[4096];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        diag_error(check->diag, diag_nowhere(), of->code, help_of(check, rule, help), "%s: %s",
                   of->name, text);
    }
    check->named_count = 0;
}

void check_name(Check *check, int64_t rank, int64_t step, int64_t op) {
    for (int64_t i = 0; i < check->named_count; ++i)
        if (check->named[i].rank == rank && check->named[i].op == op)
            return;
    if (check->named_count == CHECK_NAMED)
        return;
    check->named[check->named_count].rank = rank;
    check->named[check->named_count].step = step;
    check->named[check->named_count++].op = op;
}

const char *check_where(Check *check, int64_t rank, int64_t step, WalkItem item) {
    const Op *op = check_op(check, rank, item.op);
    const char *name = check->plan->steps.items[step].name;
    check_name(check, rank, step, item.op);
    if (item.layer < 0)
        return arena_printf(check->scratch, "rank %lld, step %s, micro-batch %lld: op %lld %s",
                            (long long)rank, name, (long long)op->microbatch, (long long)item.op,
                            op_info[op->kind].name);
    return arena_printf(check->scratch,
                        "rank %lld, step %s, layer %lld, micro-batch %lld: op %lld %s",
                        (long long)rank, name, (long long)item.layer, (long long)op->microbatch,
                        (long long)item.op, op_info[op->kind].name);
}

const PlanGroup *check_group(const Check *check, int64_t rank, int64_t *base,
                             const PlanStage **stage) {
    int64_t local = rank % check->plan->ranks_per_copy;
    *base = rank - local;
    for (int64_t s = 0; s < check->plan->stages.count; ++s) {
        const PlanStage *of = &check->plan->stages.items[s];
        for (int64_t g = 0; g < of->attention.count; ++g) {
            const PlanGroup *group = &of->attention.items[g];
            for (int64_t m = 0; m < group->members.count; ++m) {
                if (group->members.items[m].rank != local)
                    continue;
                if (stage)
                    *stage = of;
                return group;
            }
        }
    }
    return NULL;
}

int64_t check_source(const Exchange *exchange, int64_t rank) {
    return exchange_find_source(exchange, rank);
}

int64_t check_target(const Exchange *exchange, int64_t rank) {
    return exchange_find_target(exchange, rank);
}

const PlanStage *check_stage(const Check *check, int64_t rank) {
    const PlanStage *stage = NULL;
    int64_t base, local = rank % check->plan->ranks_per_copy;
    if (check_group(check, rank, &base, &stage))
        return stage;
    for (int64_t s = 0; s < check->plan->stages.count; ++s)
        for (int64_t i = 0; i < check->plan->stages.items[s].experts.count; ++i)
            if (check->plan->stages.items[s].experts.items[i].rank == local)
                return &check->plan->stages.items[s];
    return NULL;
}

void check_index_exchanges(Check *check) {
    int64_t steps = check->plan->steps.count, all = 0, world = check->schedule->world;
    check->first_of = ARENA_ARRAY(check->scratch, steps + 1, int64_t);
    for (int64_t step = 0; step < steps; ++step) {
        check->first_of[step] = all;
        all += check->plan->steps.items[step].microbatches;
    }
    check->first_of[steps] = all;
    check->exchange_of = ARENA_ARRAY(check->scratch, world * all, int64_t);
    for (int64_t i = 0; i < world * all; ++i)
        check->exchange_of[i] = -1;
    for (int64_t i = check->schedule->exchanges.count - 1; i >= 0; --i) {
        const Exchange *exchange = &check->schedule->exchanges.items[i];
        if (exchange->step < 0 || exchange->step >= steps || exchange->microbatch < 0 ||
            exchange->microbatch >= check->plan->steps.items[exchange->step].microbatches)
            continue;
        int64_t at = check->first_of[exchange->step] + exchange->microbatch;
        for (int64_t s = 0; s < exchange->sources.count; ++s)
            check->exchange_of[exchange->sources.items[s].rank * all + at] = i;
        for (int64_t t = 0; t < exchange->targets.count; ++t)
            check->exchange_of[exchange->targets.items[t].rank * all + at] = i;
    }
}

int64_t check_exchange_of(const Check *check, int64_t rank, int64_t step, int64_t microbatch) {
    return check->exchange_of[rank * check->first_of[check->plan->steps.count] +
                              check->first_of[step] + microbatch];
}

static void mark_ran(CheckReport *report, CheckRuleId first, CheckRuleId last) {
    for (int rule = first; rule <= (int)last; ++rule)
        report->rules[rule].ran = true;
}

/* Rules that walk and address bytes run only on a schedule whose ids are sound, and only such a one has a ledger. */
static void run_rules(Check *check, Arena *arena) {
    CheckReport *report = check->report;
    report->rules[CHECK_IDS].ran = true;
    if (!check_ids(check))
        return;
    report->ledger = ledger_make(arena, check->schedule);
    check->exchanges = check_exchange_sums(check);
    check_index_exchanges(check);
    mark_ran(report, CHECK_ROLES, CHECK_RULE_COUNT - 1);
    check_tables(check);
    check_planned(check);
    check_coverage(check);
    check_routes(check);
    check_weights(check);
    check_shares(check);
    check_work(check);
    check_capture(check);
    check_flow(check);
    check_moves(check);
    check_bounds(check);
    check_numbers(check);
    check_lifetimes(check);
    check_memory(check);
}

static Status check_form(const Schedule *schedule, CheckReport *report, Arena *arena, Diag *diag,
                         bool flat) {
    Arena scratch = {0};
    *report = (CheckReport){0};
    for (int i = 0; i < CHECK_RULE_COUNT; ++i)
        report->rules[i] = rule_table[i];
    Check check = {.schedule = schedule,
                   .plan = schedule->plan,
                   .model = &schedule->plan->inputs.model,
                   .report = report,
                   .diag = diag,
                   .scratch = &scratch,
                   .flat = flat,
                   .element = element_bytes(schedule->plan->inputs.workload.dtype)};
    run_rules(&check, arena);
    arena_free(&scratch);
    return report->failures > 0 ? STATUS_NEGATIVE : STATUS_OK;
}

Status check_schedule(const Schedule *schedule, CheckReport *report, Arena *arena, Diag *diag) {
    return check_form(schedule, report, arena, diag, false);
}

Status check_schedule_flat(const Schedule *schedule, CheckReport *report, Arena *arena,
                           Diag *diag) {
    return check_form(schedule, report, arena, diag, true);
}
