/* emulate_figures: see emulate.h. Moves that need the same are written once. */
#include "run/arrays.h"
#include "run/emulate.h"
#include "schedule/walk.h"

#include <string.h>

/* A move as its first member asked for it. */
typedef struct Asked {
    const Op *op;
    int64_t index, next; /* in the file; 1 + another one at the same place, 0 ends */
} Asked;

typedef struct Figures {
    Arena *arena;
    const Schedule *schedule;
    int64_t *op_first; /* [world + 1] */
    double *op_s;      /* [entries] */
    int32_t *op_move;  /* [entries] */
    int64_t *places;   /* [channels + 2 exchanges] 1 + first of `asked` there */
    LIST_OF(Asked) asked;
    LIST_OF(double) fixed_s;
    LIST_OF(double) move_s;
    LIST_OF(int32_t) move_first;
    LIST_OF(int32_t) use_resource;
    LIST_OF(double) use_share;
} Figures;

/* What is moved; other arguments are a member's own. */
static bool is_payload(const OpArg *arg) {
    return strcmp(arg->name, "units") == 0 || strcmp(arg->name, "unit_bytes") == 0 ||
           strcmp(arg->name, "bytes") == 0;
}

/* The two ends of a pair are one move. */
static bool same_move(const Op *a, const Op *b) {
    bool pair = op_info[a->kind].class == OPCLASS_PAIR && op_info[b->kind].class == OPCLASS_PAIR;
    if (a->kind != b->kind && !pair)
        return false;
    for (int i = 0; i < OP_ARGS && op_info[a->kind].args[i].type != ARG_NONE; i++)
        if (is_payload(&op_info[a->kind].args[i]) && a->args[i].value != b->args[i].value)
            return false;
    return true;
}

static int64_t place_of(const Schedule *schedule, const Op *op) {
    return op_info[op->kind].class == OPCLASS_EXCHANGE
               ? schedule->channels.count + 2 * op->exchange + (op->kind == OP_combine)
               : op->channel;
}

static int64_t add_move(Figures *figures, int64_t rank, const Op *op) {
    int64_t *place = &figures->places[place_of(figures->schedule, op)];
    for (int64_t at = *place; at; at = figures->asked.items[at - 1].next)
        if (same_move(figures->asked.items[at - 1].op, op))
            return figures->asked.items[at - 1].index;
    CostDemand demand = cost_move(figures->arena, figures->schedule, rank, op, COST_EXPECTED);
    int64_t index = figures->fixed_s.count;
    *(double *)LIST_PUSH(figures->arena, &figures->fixed_s) = demand.fixed;
    *(double *)LIST_PUSH(figures->arena, &figures->move_s) = demand.seconds;
    for (int64_t i = 0; i < demand.shares.count; i++) {
        *(int32_t *)LIST_PUSH(figures->arena, &figures->use_resource) =
            (int32_t)demand.shares.items[i].resource;
        *(double *)LIST_PUSH(figures->arena, &figures->use_share) = demand.shares.items[i].use;
    }
    *(int32_t *)LIST_PUSH(figures->arena, &figures->move_first) =
        (int32_t)figures->use_resource.count;
    *(Asked *)LIST_PUSH(figures->arena, &figures->asked) = (Asked){op, index, *place};
    *place = figures->asked.count;
    return index;
}

static Figures figures_of(Arena *arena, const Schedule *schedule) {
    Figures figures = {.arena = arena, .schedule = schedule};
    figures.op_first = ARENA_ARRAY(arena, schedule->world + 1, int64_t);
    for (int64_t r = 0; r < schedule->world; r++)
        figures.op_first[r + 1] = figures.op_first[r] + schedule->ranks[r].ops.count;
    figures.op_s = ARENA_ARRAY(arena, figures.op_first[schedule->world] + 1, double);
    figures.op_move = ARENA_ARRAY(arena, figures.op_first[schedule->world] + 1, int32_t);
    figures.places =
        ARENA_ARRAY(arena, schedule->channels.count + 2 * schedule->exchanges.count + 1, int64_t);
    *(int32_t *)LIST_PUSH(arena, &figures.move_first) = 0;
    for (int64_t r = 0; r < schedule->world; r++) {
        for (int64_t i = 0; i < schedule->ranks[r].ops.count; i++) {
            const Op *op = &schedule->ranks[r].ops.items[i];
            int64_t entry = figures.op_first[r] + i;
            bool move = walk_is_move(op);
            figures.op_move[entry] = move ? (int32_t)add_move(&figures, r, op) : -1;
            figures.op_s[entry] = move ? 0 : cost_kernel(schedule, r, op, COST_EXPECTED);
        }
    }
    return figures;
}

Status emulate_figures_write(Arena *arena, const Schedule *schedule, const double *scale,
                             const char *path, Diag *diag) {
    static const double none;
    static const int32_t nothing;
    Figures f = figures_of(arena, schedule);
    int64_t entries = f.op_first[schedule->world], moves = f.fixed_s.count;
    int64_t uses = f.use_resource.count, resources = cost_resource_count(schedule);
    const Array arrays[] = {
        {"scale", RT_F64, 1, {schedule->plan->steps.count}, scale},
        {"op_first", RT_I64, 1, {schedule->world + 1}, f.op_first},
        {"op_s", RT_F64, 1, {entries}, f.op_s},
        {"op_move", RT_I32, 1, {entries}, f.op_move},
        {"fixed_s", RT_F64, 1, {moves}, moves ? f.fixed_s.items : &none},
        {"move_s", RT_F64, 1, {moves}, moves ? f.move_s.items : &none},
        {"move_first", RT_I32, 1, {moves + 1}, f.move_first.items},
        {"use_resource", RT_I32, 1, {uses}, uses ? f.use_resource.items : &nothing},
        {"use_share", RT_F64, 1, {uses}, uses ? f.use_share.items : &none},
        {"resources", RT_I64, 1, {1}, &resources},
    };
    Buf plan = {0};
    plan_write(schedule->plan, &plan);
    const char *digest = plan_digest(arena, plan.data, plan.length);
    buf_free(&plan);
    return arrays_write(path, digest, arrays, sizeof arrays / sizeof *arrays, diag);
}
