/* lower_routes: the tables that tell an owner where each expert's parts are, and which replica it uses. */
#include "schedule/lower.h"

#include <string.h>

/* One holder of an expert's part in a layer. */
typedef struct RoutePart {
    int64_t rank, target, slot, replica, node;
    Range columns;
} RoutePart;

typedef LIST_OF(RoutePart) RouteParts;

/* Parts of each [layer][expert] of a copy, by replica then column. */
static RouteParts *route_parts(Lower *lower, int64_t copy) {
    const Model *model = lower->model;
    int64_t experts = lower->schedule->experts;
    RouteParts *cells = ARENA_ARRAY(lower->arena, model->layers * experts, RouteParts);
    int64_t *targets = ARENA_ARRAY(lower->arena, lower->plan->stages.count, int64_t);
    for (int64_t rank = 0; rank < lower->schedule->world; ++rank) {
        const Place *place = &lower->places[rank];
        if (place->copy != copy || !place->slot_count)
            continue;
        for (int64_t i = 0; i < place->slots.count; ++i) {
            const PlaceSlot *slot = &place->slots.items[i];
            RouteParts *cell = &cells[slot->layer * experts + slot->expert];
            RoutePart part = {.rank = rank,
                              .target = targets[place->stage],
                              .slot = slot->slot,
                              .replica = slot->replica,
                              .node = place->node,
                              .columns = slot->columns};
            *(RoutePart *)LIST_PUSH(lower->arena, cell) = part;
            int64_t k = cell->count - 1;
            for (; k > 0; --k) {
                const RoutePart *before = &cell->items[k - 1];
                if (before->replica < part.replica || (before->replica == part.replica &&
                                                       before->columns.begin <= part.columns.begin))
                    break;
                cell->items[k] = *before;
            }
            cell->items[k] = part;
        }
        ++targets[place->stage];
    }
    return cells;
}

/* Does the source send to this holder? Where holders coincide, each rank serves itself alone. */
static bool reaches(const Lower *lower, const RoutePart *part, const Place *place,
                    int64_t replica) {
    return lower->coincide[place->stage] ? part->rank == place->rank : part->replica == replica;
}

/* The replica of an expert that a source uses: fixed by the plan, so that it costs nothing at run time. */
static int64_t chosen_replica(const Lower *lower, const RouteParts *cell, const Place *place,
                              int64_t source) {
    if (!cell->count)
        return 0;
    int64_t replicas = cell->items[cell->count - 1].replica + 1, near = 0;
    bool nearest = replicas > 1 && lower->plan->replica_choice == REPLICA_NEAREST;
    for (int64_t i = 0; nearest && i < cell->count; ++i)
        near += cell->items[i].node == place->node;
    for (int64_t i = 0, next = source % (near ? near : 1); near && i < cell->count; ++i)
        if (cell->items[i].node == place->node && next-- == 0) /* the sources of a node in turn */
            return cell->items[i].replica;
    return source % replicas;
}

/* The most column parts that a source sends a row to for one expert. */
static int64_t most_parts(const Lower *lower, const RouteParts *cells) {
    int64_t most = 1;
    for (int64_t s = 0; s < lower->plan->stages.count; ++s) {
        Range layers = lower->plan->stages.items[s].layers;
        int64_t experts = lower->schedule->experts;
        for (int64_t i = layers.begin * experts; i < layers.end * experts; ++i) {
            int64_t run = 0;
            for (int64_t k = 0; !lower->coincide[s] && k < cells[i].count; ++k) {
                run = k && cells[i].items[k].replica == cells[i].items[k - 1].replica ? run + 1 : 1;
                most = run > most ? run : most;
            }
        }
    }
    return most;
}

static bool same_part(const RoutePart *a, const RoutePart *b) {
    return a->rank == b->rank && a->target == b->target && a->slot == b->slot &&
           a->replica == b->replica && a->columns.begin == b->columns.begin &&
           a->columns.end == b->columns.end;
}

static bool same_cells(const RouteParts *a, const RouteParts *b, int64_t count) {
    for (int64_t e = 0; e < count; ++e) {
        if (a[e].count != b[e].count)
            return false;
        for (int64_t k = 0; k < a[e].count; ++k)
            if (!same_part(&a[e].items[k], &b[e].items[k]))
                return false;
    }
    return true;
}

/* [layers] For each layer of a stage with experts the first one whose experts lie as its own do; -1 for others. */
static int64_t *alike_layers(Lower *lower, const RouteParts *cells, int64_t stage) {
    const Model *model = lower->model;
    int64_t experts = lower->schedule->experts;
    Range layers = lower->plan->stages.items[stage].layers;
    int64_t *alike = ARENA_ARRAY(lower->arena, model->layers, int64_t);
    for (int64_t layer = 0; layer < model->layers; ++layer) {
        alike[layer] = -1;
        if (layer < layers.begin || layer >= layers.end || model_is_dense(model, layer))
            continue;
        alike[layer] = layer;
        for (int64_t other = layers.begin; other < layer; ++other)
            if (alike[other] == other &&
                same_cells(&cells[other * experts], &cells[layer * experts], experts)) {
                alike[layer] = other;
                break;
            }
    }
    return alike;
}

/* Parts of an expert that a source sends to, at `next` of the table. */
static void fill_expert(const Lower *lower, const RouteParts *cell, const Place *place,
                        int64_t source, RouteTable *route, int64_t next) {
    int64_t replica = chosen_replica(lower, cell, place, source), end = next + route->parts;
    for (int64_t k = 0; k < cell->count; ++k) {
        if (!reaches(lower, &cell->items[k], place, replica))
            continue;
        route->target[next] = lower->coincide[place->stage] ? 0 : cell->items[k].target;
        route->slot[next++] = cell->items[k].slot;
    }
    for (; next < end; ++next)
        route->target[next] = route->slot[next] = -1;
}

static RouteTable fill_route(Lower *lower, const RouteParts *cells, const int64_t *alike,
                             const Place *place, int64_t source) {
    int64_t layers = lower->model->layers, experts = lower->schedule->experts;
    RouteTable route = {.parts = lower->schedule->parts,
                        .row_of = ARENA_ARRAY(lower->arena, layers, int64_t)};
    for (int64_t layer = 0; layer < layers; ++layer)
        route.row_of[layer] = alike[layer] < 0        ? -1
                              : alike[layer] == layer ? route.rows++
                                                      : route.row_of[alike[layer]];
    route.target = ARENA_ARRAY(lower->arena, route.rows * experts * route.parts, int64_t);
    route.slot = ARENA_ARRAY(lower->arena, route.rows * experts * route.parts, int64_t);
    for (int64_t layer = 0; layer < layers; ++layer)
        for (int64_t e = 0; alike[layer] == layer && e < experts; ++e)
            fill_expert(lower, &cells[layer * experts + e], place, source, &route,
                        route_parts_at(&route, experts, layer, e));
    route_table_share(&route, layers, experts); /* of other columns, but the same ways */
    return route;
}

static int64_t route_id(Lower *lower, const RouteTable *route) {
    size_t bytes =
        sizeof(int64_t) * (size_t)(route->rows * lower->schedule->experts * route->parts);
    size_t row_bytes = sizeof(int64_t) * (size_t)lower->model->layers;
    for (int64_t i = 0; i < lower->schedule->routes.count; ++i) {
        const RouteTable *other = &lower->schedule->routes.items[i];
        if (other->rows == route->rows && memcmp(other->row_of, route->row_of, row_bytes) == 0 &&
            memcmp(other->target, route->target, bytes) == 0 &&
            memcmp(other->slot, route->slot, bytes) == 0)
            return i;
    }
    *(RouteTable *)LIST_PUSH(lower->arena, &lower->schedule->routes) = *route;
    return lower->schedule->routes.count - 1;
}

static bool has_replicas(const Plan *plan) {
    for (int64_t s = 0; s < plan->stages.count; ++s)
        for (int64_t i = 0; i < plan->stages.items[s].experts.count; ++i)
            if (plan->stages.items[s].experts.items[i].replica > 0)
                return true;
    return false;
}

/* Sources of a stage that send and find no replicas all see the same table: it is filled once. */
static void stage_routes(Lower *lower, const RouteParts *cells, int64_t copy, int64_t stage,
                         int64_t *shared) {
    bool replicas = has_replicas(lower->plan);
    const int64_t *alike = alike_layers(lower, cells, stage);
    int64_t source = 0;
    for (int64_t rank = 0; rank < lower->schedule->world; ++rank) {
        const Place *place = &lower->places[rank];
        if (place->copy != copy || place->stage != stage || !place->group)
            continue;
        if (replicas || lower->coincide[stage] || *shared < 0) {
            RouteTable route = fill_route(lower, cells, alike, place, source);
            *shared = route_id(lower, &route);
        }
        lower->route_of[rank] = *shared;
        ++source;
    }
}

void lower_routes(Lower *lower) {
    int64_t stages = lower->plan->stages.count;
    int64_t *shared = ARENA_ARRAY(lower->arena, stages, int64_t);
    lower->route_of = ARENA_ARRAY(lower->arena, lower->schedule->world, int64_t);
    lower->schedule->parts = most_parts(lower, route_parts(lower, 0));
    for (int64_t stage = 0; stage < stages; ++stage)
        shared[stage] = -1;
    for (int64_t copy = 0; copy < lower->plan->copies; ++copy) {
        const RouteParts *cells = route_parts(lower, copy);
        for (int64_t stage = 0; stage < stages; ++stage)
            stage_routes(lower, cells, copy, stage, &shared[stage]);
    }
}
