/* mutant: what tests of mutants share: operations dropped and swapped in a lowered schedule, and the runner, which
 * wants the schedule proved as it is and refused once it is broken, by the rule that is named. */
#pragma once

#include "schedule_fixture.h"

typedef struct Mutant {
    const char *name, *model, *strategy, *rule;
    void (*mutate)(Fixture *f);
} Mutant;

static inline void drop_op(Fixture *f, int64_t rank, int64_t id) {
    RankSchedule *of = &f->schedule.ranks[rank];
    memmove(&of->ops.items[id], &of->ops.items[id + 1],
            (size_t)(of->ops.count - id - 1) * sizeof(Op));
    --of->ops.count;
    for (int64_t s = 0; s < f->plan.steps.count; ++s)
        for (int64_t g = 0; g < of->steps[s].segments.count; ++g) {
            Segment *segment = &of->steps[s].segments.items[g];
            if (id >= segment->first && id < segment->first + segment->count)
                --segment->count;
            else if (segment->first > id)
                --segment->first;
        }
    for (int64_t i = 0; i < of->ops.count; ++i) {
        int64_t *waits = of->ops.items[i].waits, kept = 0;
        for (int w = 0; w < OP_WAITS; ++w)
            if (waits[w] != id)
                waits[kept++] = waits[w] > id ? waits[w] - 1 : waits[w];
        while (kept < OP_WAITS)
            waits[kept++] = -1;
    }
}

static inline void swap_ops(Fixture *f, int64_t rank, int64_t a, int64_t b) {
    Op *ops = f->schedule.ranks[rank].ops.items, kept = ops[a];
    ops[a] = ops[b];
    ops[b] = kept;
}

/* Drop the first operation of a kind and move in every rank that has one. */
static inline void drop_everywhere(Fixture *f, OpKind kind) {
    for (int64_t rank = 0; rank < f->schedule.world; ++rank) {
        const RankSchedule *of = &f->schedule.ranks[rank];
        for (int64_t i = of->ops.count - 1; i >= 0; --i)
            if (of->ops.items[i].kind == (int64_t)kind)
                drop_op(f, rank, i);
    }
}

static inline Buffer *buffer_of(Fixture *f, int64_t rank, const char *name) {
    return &f->schedule.ranks[rank].buffers.items[fixture_buffer(f, rank, name)];
}

/* Every member gets the parts of all others and adds them by itself, to its own first: a sum in as many orders as
 * there are members. Of plans whose moves are lists of transfers; lowered again. */
static inline void sum_apart(Fixture *f) {
    for (int64_t s = 0; s < f->plan.steps.count; ++s)
        for (int64_t m = 0; m < f->plan.steps.items[s].moves.count; ++m) {
            PlanMove *move = &f->plan.steps.items[s].moves.items[m];
            if (move->stages.count == 0 || move->stages.items[0].primitive != PRIMITIVE_TRANSFERS)
                continue;
            PlanSet *set = &move->stages.items[0].sets.items[0];
            if (set->transfers.items[0].reduce != REDUCE_SUM)
                continue;
            move->stages.count = 1;
            set->transfers.count = 0;
            for (int64_t to = 0; to < set->ranks.count; ++to)
                for (int64_t from = 0; from < set->ranks.count; ++from)
                    if (to != from)
                        *(PlanTransfer *)LIST_PUSH(&f->arena, &set->transfers) =
                            (PlanTransfer){.from = set->ranks.items[from],
                                           .to = set->ranks.items[to],
                                           .pieces = {0, move->pieces},
                                           .reduce = REDUCE_SUM};
        }
    fixture_refused(f, schedule_lower(&f->arena, &f->plan, &f->schedule, &f->diag));
}

static inline const CheckRule *find_rule(const CheckReport *report, const char *name) {
    for (int i = 0; i < CHECK_RULE_COUNT; ++i)
        if (strcmp(report->rules[i].name, name) == 0)
            return &report->rules[i];
    return NULL;
}

/* Is the mutant refused, and by its rule? Says so if not. */
static inline bool mutant_is_refused(const Mutant *mutant, int64_t batch) {
    Fixture f;
    fixture_make(&f, mutant->model, mutant->strategy, batch);
    assert_int_equal(fixture_check(&f), STATUS_OK);
    mutant->mutate(&f);
    bool refused = fixture_check(&f) == STATUS_NEGATIVE && f.diag.errors > 0;
    const CheckRule *rule = find_rule(&f.report, mutant->rule);
    assert_non_null(rule);
    bool by_rule = refused && rule->failures > 0;
    by_rule = fixture_forms_agree(&f, mutant->name) && by_rule;
    if (!by_rule) {
        diag_render(&f.diag, stderr);
        print_error("%s: %s %s\n", mutant->name,
                    refused ? "not refused by" : "nothing refuses it, not", mutant->rule);
    }
    fixture_free(&f);
    return by_rule;
}

/* Broken in this way, has a schedule of many layers the same verdict whether they are folded or not? */
static inline bool mutant_forms_agree(const Mutant *mutant, int64_t batch) {
    Fixture f;
    fixture_make_deep(&f, mutant->model, mutant->strategy, batch, 12);
    bool agree = fixture_forms_agree(&f, mutant->strategy);
    mutant->mutate(&f);
    agree = fixture_forms_agree(&f, mutant->name) && agree;
    fixture_free(&f);
    return agree;
}

static inline void mutants_are_refused(const Mutant *mutants, size_t count, int64_t batch) {
    size_t missed = 0;
    for (size_t i = 0; i < count; ++i)
        missed += !mutant_is_refused(&mutants[i], batch) + !mutant_forms_agree(&mutants[i], batch);
    assert_int_equal(missed, 0);
}
