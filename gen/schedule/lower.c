/* lower: plan to schedule. Walks the order of every rank and calls one lowering function a part. Knows no
 * strategy: only who holds what. Everything lies in the caller's arena. */
#include "schedule/lower.h"

#include "schedule/size.h"
#include "schedule/workspace.h"

#include <assert.h>
#include <string.h>

const char *const buffer_class_names[] = {"weight", "state",     "activation",
                                          "window", "workspace", NULL};

int64_t lower_type_bytes(const Lower *lower, const char *type) {
    return strcmp(type, "E") == 0 ? lower->element : 4;
}

/* --- buffers by name ------------------------------------------------------------------------------ */

enum {
    PERSISTENT = -1,
    OPS_OF_A_ROLE = INT16_MAX + 1, /* rt_op names them in 16 bits */
};

static uint64_t name_hash(int64_t step, int64_t microbatch, const char *name) {
    uint64_t hash = 0xcbf29ce484222325u + (uint64_t)step * 0x9e3779b97f4a7c15u;
    hash = (hash ^ (uint64_t)microbatch) * 0x100000001b3u;
    for (const char *c = name; *c; ++c)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

/* Where a name stands among those of the rank, or belongs; there is always room. */
static LowerName *name_slot(const LowerNames *names, int64_t step, int64_t microbatch,
                            const char *name) {
    uint64_t at = name_hash(step, microbatch, name);
    for (;; ++at) {
        LowerName *slot = &names->slots[at & (uint64_t)(names->capacity - 1)];
        if (!slot->name ||
            (slot->step == step && slot->microbatch == microbatch && strcmp(slot->name, name) == 0))
            return slot;
    }
}

static int64_t find_buffer(const LowerRank *at, int64_t step, int64_t microbatch,
                           const char *name) {
    if (!at->names.capacity)
        return -1;
    const LowerName *slot = name_slot(&at->names, step, microbatch, name);
    return slot->name ? slot->buffer : -1;
}

/* Names live as long as the buffers that are called so. */
static void keep_name(LowerRank *at, int64_t step, int64_t microbatch, const char *name,
                      int64_t buffer) {
    LowerNames *names = &at->names;
    if (2 * names->count >= names->capacity) {
        LowerNames wider = {.capacity = names->capacity ? 2 * names->capacity : 64};
        wider.count = names->count;
        wider.slots = ARENA_ARRAY(at->lower->arena, wider.capacity, LowerName);
        for (int64_t i = 0; i < names->capacity; ++i) {
            const LowerName *old = &names->slots[i];
            if (old->name)
                *name_slot(&wider, old->step, old->microbatch, old->name) = *old;
        }
        *names = wider;
    }
    *name_slot(names, step, microbatch, name) = (LowerName){name, step, microbatch, buffer};
    ++names->count;
}

int64_t lower_find(const LowerRank *at, const char *name) {
    int64_t buffer = find_buffer(at, PERSISTENT, PERSISTENT, name);
    assert(buffer >= 0);
    return buffer;
}

int64_t lower_activation(LowerRank *at, const char *name, BufferClass class, const char *type,
                         int64_t rows, int64_t columns) {
    Arena *arena = at->lower->arena;
    int64_t buffer = find_buffer(at, at->step_index, at->microbatch, name);
    if (buffer >= 0)
        return buffer;
    const char *shown =
        strcmp(type, "E") == 0 ? element_names[at->lower->plan->inputs.workload.dtype] : type;
    *(Buffer *)LIST_PUSH(arena, &at->rank->buffers) = (Buffer){
        .name = arena_printf(arena, "%s_%s_m%lld", at->step->name, name, (long long)at->microbatch),
        .shape = arena_printf(arena, "%s [%lld][%lld]", shown, (long long)rows, (long long)columns),
        .class = class,
        .step = at->step_index,
        .bytes = rows * columns * lower_type_bytes(at->lower, type),
        .layers = 1,
        .offset = -1};
    keep_name(at, at->step_index, at->microbatch, arena_strdup(arena, name),
              at->rank->buffers.count - 1);
    return at->rank->buffers.count - 1;
}

int64_t lower_persistent_layers(LowerRank *at, const char *name, BufferClass class,
                                const char *shape, int64_t bytes, Range layers) {
    int64_t id = lower_persistent(at, name, class, shape, bytes, true);
    at->rank->buffers.items[id].first_layer = layers.begin;
    at->rank->buffers.items[id].layers = layers.end - layers.begin;
    return id;
}

int64_t lower_persistent(LowerRank *at, const char *name, BufferClass class, const char *shape,
                         int64_t bytes, bool per_layer) {
    Arena *arena = at->lower->arena;
    *(Buffer *)LIST_PUSH(arena, &at->rank->buffers) =
        (Buffer){.name = arena_strdup(arena, name),
                 .shape = shape,
                 .class = class,
                 .step = -1,
                 .bytes = bytes,
                 .first_layer = per_layer ? at->place->layers.begin : 0,
                 .layers = per_layer ? at->place->layers.end - at->place->layers.begin : 1,
                 .per_layer = per_layer,
                 .offset = -1};
    int64_t id = at->rank->buffers.count - 1;
    keep_name(at, PERSISTENT, PERSISTENT, at->rank->buffers.items[id].name, id);
    return id;
}

Op *lower_op(LowerRank *at, OpKind kind, const char *rule) {
    Op *op = LIST_PUSH(at->lower->arena, &at->rank->ops);
    *op = (Op){.kind = kind,
               .part = at->part,
               .microbatch = at->microbatch,
               .lag = at->lag,
               .per_layer = at->per_layer,
               .channel = -1,
               .exchange = -1,
               .rule = rule};
    for (int i = 0; i < OP_ARGS; ++i)
        op->args[i].value = op_info[kind].args[i].type == ARG_INT ? 0 : -1;
    for (int i = 0; i < OP_WAITS; ++i)
        op->waits[i] = -1;
    return op;
}

void op_int(Op *op, const char *argument, int64_t value) {
    op->args[op_arg((OpKind)op->kind, argument)].value = value;
}

void op_buffer(Op *op, const char *argument, int64_t buffer, int64_t delta) {
    op->args[op_arg((OpKind)op->kind, argument)] = (OpValue){buffer, buffer < 0 ? 0 : delta};
}

void op_workspace(LowerRank *at, Op *op, const char *name) {
    int64_t buffer = find_buffer(at, PERSISTENT, PERSISTENT, name);
    if (buffer < 0)
        buffer = lower_persistent(at, name, BUFFER_WORKSPACE, "scratch", 0, false);
    op_buffer(op, "workspace", buffer, 0);
}

void op_room(LowerRank *at, Op *op, const char *argument, const char *name, int64_t bytes) {
    int64_t buffer = find_buffer(at, PERSISTENT, PERSISTENT, name);
    if (buffer < 0)
        buffer = lower_persistent(at, name, BUFFER_WORKSPACE, "scratch", 0, false);
    if (bytes > at->rank->buffers.items[buffer].bytes)
        at->rank->buffers.items[buffer].bytes = bytes;
    op_buffer(op, argument, buffer, 0);
}

int64_t lower_sequences(const LowerRank *at) {
    Range range = place_sequences(at->place->group, at->microbatch, at->step->microbatches);
    return range.end - range.begin;
}

int64_t lower_rows(const LowerRank *at) {
    return lower_sequences(at) * at->step->tokens;
}

Range lower_owned(const LowerRank *at) {
    return place_owned(lower_rows(at), at->place->member, at->place->members);
}

bool lower_coincides(const LowerRank *at) {
    return at->lower->coincide[at->place->stage];
}

Range lower_routed(const LowerRank *at) {
    return lower_coincides(at) ? (Range){0, lower_rows(at)} : lower_owned(at);
}

int64_t lower_first_sequence(const LowerRank *at) {
    const Place *place = at->place;
    return place->copy * plan_copy_batch(at->lower->plan) + place->group->requests.begin +
           place_sequences(place->group, at->microbatch, at->step->microbatches).begin;
}

bool lower_sharded(const LowerRank *at) {
    return at->lower->plan->residual == RESIDUAL_SHARDED && at->place->members > 1;
}

/* Buffers that several parts name. What other ranks read or send is a window. */
int64_t lower_residual(LowerRank *at) {
    bool moved = at->place->members > 1 || at->lower->plan->stages.count > 1;
    return lower_activation(at, "residual", moved ? BUFFER_WINDOW : BUFFER_ACTIVATION, "E",
                            lower_rows(at), at->lower->model->hidden);
}

int64_t lower_next(LowerRank *at) {
    bool moved = at->lower->plan->stages.count > 1;
    return lower_activation(at, "next", moved ? BUFFER_WINDOW : BUFFER_ACTIVATION, "i32",
                            lower_sequences(at), 1);
}

/* --- walking the order ------------------------------------------------------------------------------- */

typedef Status (*PartRule)(LowerRank *at);

/* Which rule lowers a part, and on which ranks it stands: those that do attention, hold experts, or both. */
static const struct {
    PartRule rule;
    bool attention, experts, per_layer;
} part_rules[] = {
    [PART_EMBED] = {lower_embed, true, false, false},
    [PART_RECEIVE] = {lower_receive, true, false, false},
    [PART_ATTENTION] = {lower_attention, true, false, true},
    [PART_DISPATCH] = {lower_dispatch, true, true, true},
    [PART_EXPERTS] = {lower_experts, false, true, true},
    [PART_COMBINE] = {lower_combine, true, true, true},
    [PART_SEND] = {lower_send, true, false, false},
    [PART_HEAD] = {lower_head, true, false, false},
    [PART_TOKENS] = {lower_tokens, true, false, false},
};

/* The layers from `begin` on in which every item meets the same kind of layer, dense or with experts, and the same
 * window: these have one body. */
static Range same_layers(const LowerRank *at, const PlanLoop *loop, int64_t begin) {
    int64_t end = loop->layers.end;
    for (int64_t i = 0; i < loop->items.count; ++i) {
        const PlanItem *item = &loop->items.items[i];
        if (part_rules[item->part].per_layer)
            end =
                model_alike_until(at->lower->model, begin - item->lag, end - item->lag) + item->lag;
    }
    return (Range){begin, end};
}

static Status lower_body(LowerRank *at, const PlanLoop *loop, Range layers) {
    int64_t first = at->rank->ops.count;
    const Place *place = at->place;
    for (int64_t i = 0; i < loop->items.count; ++i) {
        const PlanItem *item = &loop->items.items[i];
        bool does = (part_rules[item->part].attention && place->group != NULL) ||
                    (part_rules[item->part].experts && place->slot_count > 0);
        if (!does)
            continue;
        at->part = item->part;
        at->microbatch = item->microbatch;
        at->lag = item->lag;
        at->per_layer = part_rules[item->part].per_layer;
        at->dense = at->per_layer && model_is_dense(at->lower->model, layers.begin - item->lag);
        at->window = at->per_layer ? model_window(at->lower->model, layers.begin - item->lag) : 0;
        TRY(part_rules[item->part].rule(at));
    }
    if (at->rank->ops.count > first)
        *(Segment *)LIST_PUSH(at->lower->arena, &at->rank->steps[at->step_index].segments) =
            (Segment){layers, first, at->rank->ops.count - first};
    return STATUS_OK;
}

static Status lower_loop(LowerRank *at, const PlanLoop *loop) {
    for (Range layers = {loop->layers.begin, 0}; layers.begin < loop->layers.end;
         layers.begin = layers.end) {
        layers = same_layers(at, loop, layers.begin);
        TRY(lower_body(at, loop, layers));
    }
    return STATUS_OK;
}

static const PlanOrder *find_order(const PlanStep *step, int64_t local) {
    for (int64_t o = 0; o < step->orders.count; ++o)
        for (int64_t i = 0; i < step->orders.items[o].ranks.count; ++i)
            if (step->orders.items[o].ranks.items[i] == local)
                return &step->orders.items[o];
    return NULL;
}

/* Argument `workspace` of an operation, -1 if its kind has none or it needs none. */
static int64_t workspace_of(const Op *op) {
    for (int i = 0; i < OP_ARGS && op_info[op->kind].args[i].type != ARG_NONE; ++i)
        if (strcmp(op_info[op->kind].args[i].name, "workspace") == 0)
            return op->args[i].value;
    return -1;
}

static void size_workspace(Lower *lower, RankSchedule *rank) {
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        int64_t buffer = workspace_of(&rank->ops.items[i]);
        int64_t bytes = workspace_bytes(lower->plan, &rank->ops.items[i]);
        if (buffer >= 0 && bytes > rank->buffers.items[buffer].bytes)
            rank->buffers.items[buffer].bytes = bytes;
    }
}

static Status lower_rank(Lower *lower, int64_t index) {
    const Plan *plan = lower->plan;
    LowerRank at = {
        .lower = lower, .rank = &lower->schedule->ranks[index], .place = &lower->places[index]};
    at.rank->rank = index;
    at.rank->steps = ARENA_ARRAY(lower->arena, plan->steps.count, RankStep);
    TRY(lower_holdings(&at));
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        at.step = &plan->steps.items[s];
        at.step_index = s;
        const PlanOrder *order = find_order(at.step, index - at.place->base);
        if (!order)
            return diag_error(lower->diag, diag_nowhere(), "E0521",
                              "name the rank in one of the step's orders",
                              "rank %lld has no order in step %s", (long long)index, at.step->name);
        for (int64_t i = 0; i < order->loops.count; ++i)
            TRY(lower_loop(&at, &order->loops.items[i]));
    }
    size_workspace(lower, at.rank);
    if (at.rank->ops.count > OPS_OF_A_ROLE)
        return diag_error(
            lower->diag, diag_nowhere(), "E0524",
            "use fewer micro-batches, or loops over more layers",
            "rank %lld would have %lld operations, of at most %d that a program tells "
            "apart",
            (long long)index, (long long)at.rank->ops.count, OPS_OF_A_ROLE);
    return STATUS_OK;
}

static int64_t *count_replicas(Arena *arena, const Plan *plan) {
    int64_t experts = plan_experts(plan);
    int64_t *replicas = ARENA_ARRAY(arena, plan->stages.count * experts, int64_t);
    for (int64_t s = 0; s < plan->stages.count; ++s)
        for (int64_t i = 0; i < plan->stages.items[s].experts.count; ++i) {
            const PlanExpert *expert = &plan->stages.items[s].experts.items[i];
            int64_t *most = &replicas[s * experts + expert->expert];
            *most = expert->replica >= *most ? expert->replica + 1 : *most;
        }
    return replicas;
}

Status schedule_lower(Arena *arena, const Plan *plan, Schedule *schedule, Diag *diag) {
    const Model *model = &plan->inputs.model;
    int64_t element = element_bytes(plan->inputs.workload.dtype);
    TRY(schedule_size_check(plan, diag));
    *schedule = (Schedule){.plan = plan,
                           .name = plan->name,
                           .layers = model->layers,
                           .experts = plan_experts(plan),
                           .top_k = plan_choices(plan),
                           .row_bytes = model->hidden * element,
                           .world = plan->copies * plan->ranks_per_copy};
    for (int64_t s = 0; s < plan->steps.count; ++s) {
        const PlanStep *step = &plan->steps.items[s];
        *(ScheduleStep *)LIST_PUSH(arena, &schedule->steps) =
            (ScheduleStep){step->name, step->microbatches};
    }
    schedule->ranks = ARENA_ARRAY(arena, schedule->world, RankSchedule);
    Lower lower = {.arena = arena,
                   .plan = plan,
                   .model = model,
                   .schedule = schedule,
                   .diag = diag,
                   .places = place_all(arena, plan),
                   .element = element,
                   .row_bytes = schedule->row_bytes};
    lower.replicas = count_replicas(arena, plan);
    TRY(lower_moves(&lower));
    for (int64_t rank = 0; rank < schedule->world; ++rank)
        TRY(lower_rank(&lower, rank));
    schedule_fold(arena, schedule);
    schedule_layout(arena, schedule);
    schedule_events(arena, schedule);
    schedule_capture(schedule);
    return STATUS_OK;
}
