/* mutate: copies of plans and schedules that operators may write to, and the places that they walk. All of it lies in
 * the caller's arena; names and inputs stay shared with the original. */
#include "mutate.h"

#include <stdarg.h>
#include <string.h>

const char *const mutant_object_names[MUTANT_OBJECTS] = {"plan", "collectives", "schedule"};

bool mutate_here(Mutant *m, const char *format, ...) {
    if (m->done || m->seen++ != m->wanted)
        return false;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    m->what = arena_strdup(m->arena, text);
    m->done = true;
    return true;
}

static void *copy_of(Arena *arena, const void *items, int64_t count, size_t size) {
    void *copy = arena_array(arena, (size_t)count + 1, size);
    if (count > 0)
        memcpy(copy, items, (size_t)count * size);
    return copy;
}

#define COPY(list)                                                                                 \
    ((list)->items = copy_of(arena, (list)->items, (list)->count, sizeof *(list)->items),          \
     (void)((list)->capacity = (list)->count))

/* --- plans -------------------------------------------------------------------------------------------- */

static void copy_step(Arena *arena, PlanStep *step) {
    COPY(&step->orders);
    COPY(&step->moves);
    for (int64_t o = 0; o < step->orders.count; ++o) {
        PlanOrder *order = &step->orders.items[o];
        COPY(&order->ranks);
        COPY(&order->loops);
        for (int64_t l = 0; l < order->loops.count; ++l)
            COPY(&order->loops.items[l].items);
    }
    for (int64_t i = 0; i < step->moves.count; ++i) {
        PlanMove *move = &step->moves.items[i];
        COPY(&move->stages);
        for (int64_t s = 0; s < move->stages.count; ++s) {
            PlanMoveStage *stage = &move->stages.items[s];
            COPY(&stage->sets);
            for (int64_t k = 0; k < stage->sets.count; ++k) {
                COPY(&stage->sets.items[k].ranks);
                COPY(&stage->sets.items[k].pieces);
                COPY(&stage->sets.items[k].transfers);
            }
        }
    }
}

Plan *mutate_copy_plan(Arena *arena, const Plan *plan) {
    Plan *copy = ARENA_NEW(arena, Plan);
    *copy = *plan;
    COPY(&copy->inputs.topology.nodes);
    COPY(&copy->ranks);
    COPY(&copy->idle);
    COPY(&copy->stages);
    COPY(&copy->embedding);
    COPY(&copy->head);
    COPY(&copy->steps);
    for (int64_t s = 0; s < copy->stages.count; ++s) {
        PlanStage *stage = &copy->stages.items[s];
        COPY(&stage->attention);
        COPY(&stage->ffn);
        COPY(&stage->experts);
        for (int64_t g = 0; g < stage->attention.count; ++g)
            COPY(&stage->attention.items[g].members);
    }
    for (int64_t s = 0; s < copy->steps.count; ++s)
        copy_step(arena, &copy->steps.items[s]);
    return copy;
}

/* --- schedules ---------------------------------------------------------------------------------------- */

static void copy_rank(Arena *arena, RankSchedule *rank, int64_t steps) {
    COPY(&rank->ops);
    COPY(&rank->buffers);
    COPY(&rank->holdings);
    rank->steps = copy_of(arena, rank->steps, steps, sizeof *rank->steps);
    for (int64_t s = 0; s < steps; ++s)
        COPY(&rank->steps[s].segments);
}

static void copy_route(Arena *arena, RouteTable *table, const Schedule *schedule) {
    int64_t cells = table->rows * schedule->experts * table->parts;
    table->row_of = copy_of(arena, table->row_of, schedule->layers, sizeof(int64_t));
    table->target = copy_of(arena, table->target, cells, sizeof(int64_t));
    table->slot = copy_of(arena, table->slot, cells, sizeof(int64_t));
}

static void copy_role(Arena *arena, Role *role, int64_t ops) {
    COPY(&role->ranks);
    COPY(&role->columns);
    for (int64_t c = 0; c < role->columns.count; ++c)
        role->columns.items[c].values =
            copy_of(arena, role->columns.items[c].values, role->ranks.count, sizeof(int64_t));
    role->column_of = copy_of(arena, role->column_of, ops * OP_FIELDS, sizeof *role->column_of);
}

Schedule *mutate_copy_schedule(Arena *arena, const Schedule *schedule, const Plan *plan) {
    Schedule *copy = ARENA_NEW(arena, Schedule);
    *copy = *schedule;
    copy->plan = plan;
    copy->ranks = copy_of(arena, schedule->ranks, schedule->world, sizeof *schedule->ranks);
    for (int64_t r = 0; r < copy->world; ++r)
        copy_rank(arena, &copy->ranks[r], plan->steps.count);
    COPY(&copy->channels);
    for (int64_t c = 0; c < copy->channels.count; ++c) {
        COPY(&copy->channels.items[c].ranks);
        COPY(&copy->channels.items[c].own);
        COPY(&copy->channels.items[c].transfers);
    }
    COPY(&copy->exchanges);
    for (int64_t e = 0; e < copy->exchanges.count; ++e) {
        COPY(&copy->exchanges.items[e].sources);
        COPY(&copy->exchanges.items[e].targets);
        COPY(&copy->exchanges.items[e].hops[0]);
        COPY(&copy->exchanges.items[e].hops[1]);
    }
    COPY(&copy->routes);
    for (int64_t r = 0; r < copy->routes.count; ++r)
        copy_route(arena, &copy->routes.items[r], copy);
    COPY(&copy->roles);
    for (int64_t r = 0; r < copy->roles.count; ++r)
        copy_role(arena, &copy->roles.items[r],
                  copy->ranks[copy->roles.items[r].ranks.items[0]].ops.count);
    return copy;
}

void mutate_fold(Arena *arena, Schedule *schedule) {
    memset(&schedule->roles, 0, sizeof schedule->roles);
    schedule_fold(arena, schedule);
    for (int64_t i = 0; i < schedule->roles.count; ++i) {
        Role *role = &schedule->roles.items[i];
        const RankSchedule *first = &schedule->ranks[role->ranks.items[0]];
        role->slab_bytes = first->slab_bytes;
        role->state_offset = first->state_offset;
        role->state_bytes = first->state_bytes;
    }
}
