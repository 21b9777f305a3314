/* schedule_fixture: schedules of shipped models, made by the planner and lowering, for the tests
 * of what follows from them. The arena of the fixture owns everything. */
#pragma once

#include "plan/planner.h"
#include "schedule/check.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MIXTRAL TEST_SOURCE "/tests/data/mixtral-tiny"
#define LATENT TEST_SOURCE "/models/large-ep-small.yaml"
#define LATENT_GATED TEST_SOURCE "/tests/data/latent-gated.yaml"
#define MIXED TEST_SOURCE "/tests/data/mixed-attention.yaml"
#define HEAD_NORM TEST_SOURCE "/tests/data/qwen3_moe-tiny"
#define MA_SMALL TEST_SOURCE "/models/ma-small.yaml"
#define CLUSTER TEST_SOURCE "/topologies/a100-4x4.yaml"

typedef struct Fixture {
    Arena arena;
    Diag diag;
    Plan plan;
    Schedule schedule;
    CheckReport report;
} Fixture;

static inline void fixture_refused(Fixture *f, Status status) {
    if (status == STATUS_OK)
        return;
    diag_render(&f->diag, stderr);
    fail_msg("status %d", status);
}

/* A lowered schedule: prefill of 24 tokens, a context of 64, float32. Of so many layers; 0: as the model has. */
static inline void fixture_make_deep(Fixture *f, const char *model, const char *strategy,
                                     int64_t batch, int64_t layers) {
    *f = (Fixture){0};
    f->diag.arena = &f->arena;
    PlanInputs *inputs = &f->plan.inputs;
    fixture_refused(f, model_read(&f->arena, model, NULL, &inputs->model, &f->diag));
    inputs->model.layers = layers ? layers : inputs->model.layers;
    fixture_refused(f, topology_read(&f->arena, CLUSTER, &inputs->topology, &f->diag));
    inputs->workload = (Workload){
        .batch = batch, .prefill = 24, .context = 64, .dtype = ELEMENT_F32, .candidates = 1};
    PlannerRequest request = {.strategy = strategy};
    fixture_refused(f, planner_run(&f->arena, &request, &f->plan, &f->diag));
    fixture_refused(f, schedule_lower(&f->arena, &f->plan, &f->schedule, &f->diag));
}

static inline void fixture_make(Fixture *f, const char *model, const char *strategy,
                                int64_t batch) {
    fixture_make_deep(f, model, strategy, batch, 0);
}

static inline Status fixture_check(Fixture *f) {
    return check_schedule(&f->schedule, &f->report, &f->arena, &f->diag);
}

/* Is the verdict of the folded form that of the flat one, by the same rules? Says so if not. */
static inline bool fixture_forms_agree(Fixture *f, const char *name) {
    CheckReport folded, flat;
    Diag diags[2] = {{.arena = &f->arena}, {.arena = &f->arena}};
    Status a = check_schedule(&f->schedule, &folded, &f->arena, &diags[0]);
    Status b = check_schedule_flat(&f->schedule, &flat, &f->arena, &diags[1]);
    bool same = a == b;
    for (int r = 0; r < CHECK_RULE_COUNT; ++r) {
        if ((folded.rules[r].failures > 0) == (flat.rules[r].failures > 0))
            continue;
        print_error("%s: %s refuses in the %s form only\n", name, flat.rules[r].name,
                    flat.rules[r].failures > 0 ? "flat" : "folded");
        same = false;
    }
    return same;
}

static inline void fixture_free(Fixture *f) {
    arena_free(&f->arena);
}

/* The n-th operation of a kind on a rank, by id; fails the test if there is none. */
static inline int64_t fixture_op(const Fixture *f, int64_t rank, OpKind kind, int64_t n) {
    const RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t i = 0; i < of->ops.count; ++i)
        if (of->ops.items[i].kind == (int64_t)kind && n-- == 0)
            return i;
    fail_msg("rank %d has no such operation", (int)rank);
    return -1;
}

static inline OpValue *fixture_arg(Fixture *f, int64_t rank, int64_t op, const char *name) {
    Op *of = &f->schedule.ranks[rank].ops.items[op];
    return &of->args[op_arg((OpKind)of->kind, name)];
}

static inline int64_t fixture_buffer(const Fixture *f, int64_t rank, const char *name) {
    const RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t i = 0; i < of->buffers.count; ++i)
        if (strcmp(of->buffers.items[i].name, name) == 0)
            return i;
    fail_msg("rank %d has no buffer %s", (int)rank, name);
    return -1;
}

static inline Holding *fixture_holding(Fixture *f, int64_t rank, TensorKind tensor, int64_t n) {
    RankSchedule *of = &f->schedule.ranks[rank];
    for (int64_t i = 0; i < of->holdings.count; ++i)
        if (of->holdings.items[i].tensor == (int64_t)tensor && n-- == 0)
            return &of->holdings.items[i];
    fail_msg("rank %d has no such holding", (int)rank);
    return NULL;
}
