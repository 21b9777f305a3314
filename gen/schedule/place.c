/* place: derives each rank's view of the plan. Allocates in the caller's arena. */
#include "schedule/place.h"

#include <stdlib.h>

Range place_sequences(const PlanGroup *group, int64_t microbatch, int64_t microbatches) {
    int64_t requests = group->requests.end - group->requests.begin;
    return (Range){requests * microbatch / microbatches,
                   requests * (microbatch + 1) / microbatches};
}

Range place_owned(int64_t rows, int64_t member, int64_t members) {
    return (Range){rows * member / members, rows * (member + 1) / members};
}

static Range vocabulary_of(const PlanVocabulary *items, int64_t count, int64_t rank) {
    for (int64_t i = 0; i < count; ++i)
        if (items[i].rank == rank)
            return items[i].entries;
    return (Range){0, 0};
}

/* Do the members of the group hold different entries? One member that lacks an entry says so. */
static bool vocabulary_split(const Plan *plan, const PlanVocabulary *items, int64_t count,
                             const PlanGroup *group) {
    for (int64_t m = 0; m < group->members.count; ++m) {
        Range entries = vocabulary_of(items, count, group->members.items[m].rank);
        if (entries.begin != 0 || entries.end != plan->inputs.model.vocabulary)
            return true;
    }
    return false;
}

static void place_member(Place *place, const Plan *plan, const PlanGroup *group, int64_t member) {
    int64_t local = place->rank - place->base;
    int64_t share = plan->inputs.model.heads / plan->inputs.model.kv_heads;
    place->group = group;
    place->member = member;
    place->members = group->members.count;
    place->heads = group->members.items[member].heads;
    place->kv = (Range){place->heads.begin / share, (place->heads.end + share - 1) / share};
    if (place->first_stage) {
        place->embedding = vocabulary_of(plan->embedding.items, plan->embedding.count, local);
        place->embedding_split =
            vocabulary_split(plan, plan->embedding.items, plan->embedding.count, group);
    }
    if (place->last_stage) {
        place->head = vocabulary_of(plan->head.items, plan->head.count, local);
        place->head_split = vocabulary_split(plan, plan->head.items, plan->head.count, group);
    }
}

static void place_ffn(Place *place, const PlanStage *stage) {
    int64_t local = place->rank - place->base;
    for (int64_t i = 0; i < stage->ffn.count; ++i)
        if (stage->ffn.items[i].rank == local)
            *(stage->ffn.items[i].kind == FFN_DENSE ? &place->dense : &place->shared) =
                stage->ffn.items[i].columns;
}

static bool holds_experts(const PlanStage *stage, int64_t local) {
    for (int64_t i = 0; i < stage->experts.count; ++i)
        if (stage->experts.items[i].rank == local)
            return true;
    return false;
}

/* The stage of a rank, and its place in the request groups there. */
static void place_stage(Place *place, const Plan *plan) {
    int64_t local = place->rank - place->base, group = 0;
    for (int64_t s = 0; s < plan->stages.count; ++s) {
        const PlanStage *stage = &plan->stages.items[s];
        bool here = holds_experts(stage, local);
        for (int64_t g = 0; g < stage->attention.count; ++g, ++group)
            for (int64_t m = 0; m < stage->attention.items[g].members.count; ++m) {
                if (stage->attention.items[g].members.items[m].rank != local)
                    continue;
                here = true;
                place->group_index = group;
                place->first_group = g == 0;
                place->first_stage = s == 0;
                place->last_stage = s + 1 == plan->stages.count;
                place_member(place, plan, &stage->attention.items[g], m);
            }
        if (!here)
            continue;
        place->stage = s;
        place->layers = stage->layers;
        place->first_stage = s == 0;
        place->last_stage = s + 1 == plan->stages.count;
    }
}

/* By expert, then first column, then as listed. */
static int by_slot(const void *left, const void *right) {
    const PlanExpert *a = *(const PlanExpert *const *)left, *b = *(const PlanExpert *const *)right;
    if (a->expert != b->expert)
        return a->expert < b->expert ? -1 : 1;
    if (a->columns.begin != b->columns.begin)
        return a->columns.begin < b->columns.begin ? -1 : 1;
    return (a > b) - (a < b);
}

/* The entries of a rank in order of (expert, first column). */
static void place_experts(Arena *arena, Place *place, const Plan *plan, const PlanStage *stage) {
    int64_t local = place->rank - place->base;
    LIST_OF(const PlanExpert *) mine = {0};
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        const PlanExpert *expert = &stage->experts.items[i];
        if (expert->rank != local)
            continue;
        *(const PlanExpert **)LIST_PUSH(arena, &mine) = expert;
        int64_t width = expert->columns.end - expert->columns.begin;
        if (expert->expert == plan_shared_expert(plan)) {
            place->serves_shared = true;
            place->shared = expert->columns;
            place->shared_primary = expert->replica == 0;
        } else {
            place->columns = width > place->columns ? width : place->columns;
        }
    }
    if (mine.count)
        qsort(mine.items, (size_t)mine.count, sizeof *mine.items, by_slot);
    for (int64_t layer = 0; mine.count && layer < plan->inputs.model.layers; ++layer) {
        int64_t slot = 0;
        for (int64_t i = 0; i < mine.count; ++i) {
            const PlanExpert *expert = mine.items[i];
            if (layer < expert->layers.begin || layer >= expert->layers.end)
                continue;
            PlaceSlot *added = LIST_PUSH(arena, &place->slots);
            *added = (PlaceSlot){layer, slot, expert->expert, expert->columns, expert->replica};
            slot += expert->expert != plan_shared_expert(plan);
        }
        place->routed_count = slot > place->routed_count ? slot : place->routed_count;
    }
    for (int64_t i = 0; i < place->slots.count; ++i)
        if (place->slots.items[i].expert == plan_shared_expert(plan))
            place->slots.items[i].slot = place->routed_count;
    place->slot_count = place->routed_count + place->serves_shared;
}

Place *place_all(Arena *arena, const Plan *plan) {
    int64_t world = plan->copies * plan->ranks_per_copy;
    Place *places = ARENA_ARRAY(arena, world, Place);
    for (int64_t rank = 0; rank < world; ++rank) {
        Place *place = &places[rank];
        place->rank = rank;
        place->copy = rank / plan->ranks_per_copy;
        place->base = place->copy * plan->ranks_per_copy;
        place->node = plan->ranks.items[rank].node;
        place_stage(place, plan);
        place_ffn(place, &plan->stages.items[place->stage]);
        place_experts(arena, place, plan, &plan->stages.items[place->stage]);
    }
    return places;
}
