/* random_placement: who holds what: copies, pipeline stages, request groups, heads, columns, experts, vocabulary, and
 * which GPU each rank is. */
#include "random_case.h"

#include <assert.h>
#include <string.h>

Range *random_cut(RandomCase *made, Range range, int64_t parts, bool mixed) {
    Choices *c = made->choices;
    Range *cut = ARENA_ARRAY(made->arena, parts, Range);
    int64_t *order = ARENA_ARRAY(made->arena, parts, int64_t);
    int64_t length = range.end - range.begin, next = range.begin;
    bool even = !draw_rare(c, 2);
    for (int64_t i = 0; i < parts; ++i)
        order[i] = i;
    if (mixed && parts > 1 && draw_rare(c, 3))
        draw_shuffle(c, order, parts);
    for (int64_t i = 0; i < parts; ++i) {
        int64_t end = range.begin + length * (i + 1) / parts;
        if (!even && i + 1 < parts)
            end = next + 1 + draw_low(c, range.end - next - (parts - i - 1));
        cut[order[i]] = (Range){next, end};
        next = end;
    }
    return cut;
}

/* --- shape: how many ranks do what ------------------------------------------------------------ */

static bool stage_has(const Model *model, Range layers, bool dense) {
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        if (model_is_dense(model, layer) == dense)
            return true;
    return false;
}

/* The most members that a group can have there: each holds something of everything. */
static int64_t most_members(const Model *model, Range layers) {
    int64_t most = least_of(model->heads, 5);
    if (stage_has(model, layers, true))
        most = least_of(most, model->dense_hidden);
    if (model->shared_hidden && stage_has(model, layers, false))
        most = least_of(most, model->shared_hidden);
    return most;
}

static void random_groups(RandomCase *made, PlanStage *stage, const Range *requests, int64_t groups,
                          int64_t *next_rank) {
    const Model *model = &made->plan.inputs.model;
    int64_t most = most_members(model, stage->layers);
    for (int64_t g = 0; g < groups; ++g) {
        PlanGroup *group = LIST_PUSH(made->arena, &stage->attention);
        group->requests = requests[g];
        int64_t members = 1 + draw_low(made->choices, most);
        Range *heads = random_cut(made, (Range){0, model->heads}, members, true);
        for (int64_t m = 0; m < members; ++m)
            *(PlanMember *)LIST_PUSH(made->arena, &group->members) =
                (PlanMember){(*next_rank)++, heads[m]};
    }
}

static void random_ffn(RandomCase *made, PlanStage *stage, int64_t kind, int64_t width) {
    for (int64_t g = 0; g < stage->attention.count; ++g) {
        const PlanGroup *group = &stage->attention.items[g];
        Range *columns = random_cut(made, (Range){0, width}, group->members.count, true);
        for (int64_t m = 0; m < group->members.count; ++m)
            *(PlanFfn *)LIST_PUSH(made->arena, &stage->ffn) =
                (PlanFfn){kind, group->members.items[m].rank, columns[m]};
    }
}

/* --- experts ---------------------------------------------------------------------------------- */

IntList random_stage_ranks(RandomCase *made, const PlanStage *stage) {
    IntList ranks = {0};
    for (int64_t g = 0; g < stage->attention.count; ++g)
        for (int64_t m = 0; m < stage->attention.items[g].members.count; ++m)
            *(int64_t *)LIST_PUSH(made->arena, &ranks) =
                stage->attention.items[g].members.items[m].rank;
    for (int64_t i = 0; i < stage->experts.count; ++i) {
        bool known = false;
        for (int64_t k = 0; k < ranks.count; ++k)
            known = known || ranks.items[k] == stage->experts.items[i].rank;
        if (!known)
            *(int64_t *)LIST_PUSH(made->arena, &ranks) = stage->experts.items[i].rank;
    }
    return ranks;
}

bool random_holds(const PlanStage *stage, int64_t rank) {
    for (int64_t i = 0; i < stage->experts.count; ++i)
        if (stage->experts.items[i].rank == rank)
            return true;
    return false;
}

bool random_attends(const PlanStage *stage, int64_t rank) {
    for (int64_t g = 0; g < stage->attention.count; ++g)
        for (int64_t m = 0; m < stage->attention.items[g].members.count; ++m)
            if (stage->attention.items[g].members.items[m].rank == rank)
                return true;
    return false;
}

bool random_coincides(RandomCase *made, const PlanStage *stage) {
    IntList ranks = random_stage_ranks(made, stage);
    bool alike = stage->attention.count == 1;
    for (int64_t i = 0; i < ranks.count; ++i)
        alike =
            alike && random_attends(stage, ranks.items[i]) && random_holds(stage, ranks.items[i]);
    for (int64_t i = 0; i < stage->experts.count; ++i)
        alike = alike && stage->experts.items[i].replica == 0;
    return alike;
}

typedef struct Holders {
    int64_t *ranks, count; /* that may hold experts */
    int64_t replicas;      /* of an expert, at most */
    bool all;              /* every expert is cut over all of them */
    bool shared;           /* they have what all tokens pass too */
} Holders;

/* The holders of one expert in some layers: each has one part of one replica at most. */
static void random_expert(RandomCase *made, PlanStage *stage, Range layers, int64_t expert,
                          const Holders *holders) {
    Choices *c = made->choices;
    const Model *model = &made->plan.inputs.model;
    int64_t width = expert < model->experts ? model->expert_hidden : model->shared_hidden;
    int64_t *free = ARENA_ARRAY(made->arena, holders->count, int64_t), left = holders->count;
    for (int64_t i = 0; i < left; ++i)
        free[i] = holders->ranks[(i + expert) % left];
    int64_t replicas = 1 + draw_low(c, least_of(holders->replicas, left));
    for (int64_t replica = 0; replica < replicas; ++replica) {
        int64_t most = least_of(left - (replicas - replica - 1), width);
        int64_t parts = holders->all ? most : 1 + draw_low(c, least_of(most, 3));
        Range *columns = random_cut(made, (Range){0, width}, parts, false);
        for (int64_t p = 0; p < parts; ++p) {
            int64_t pick = holders->all ? 0 : draw_low(c, left);
            *(PlanExpert *)LIST_PUSH(made->arena, &stage->experts) =
                (PlanExpert){layers, expert, columns[p], free[pick], replica};
            --left;
            memmove(free + pick, free + pick + 1, (size_t)(left - pick) * sizeof *free);
        }
    }
}

/* What all tokens pass, as one more expert: the same parts in all layers of the stage. `before`: parts that the
 * stage had before these layers. */
static void random_shared(RandomCase *made, PlanStage *stage, Range layers, const Holders *holders,
                          int64_t before) {
    int64_t shared = made->plan.inputs.model.experts, known = 0;
    for (int64_t i = 0; i < before; ++i) { /* parts of the layers before, each once */
        PlanExpert part = stage->experts.items[i];
        if (part.expert != shared || part.layers.begin != stage->experts.items[0].layers.begin)
            continue;
        part.layers = layers;
        *(PlanExpert *)LIST_PUSH(made->arena, &stage->experts) = part;
        ++known;
    }
    if (known == 0)
        random_expert(made, stage, layers, shared, holders);
}

/* Experts of layers that are alike; a rank that is there for experts and got none yet is a further replica. */
static void random_map(RandomCase *made, PlanStage *stage, Range layers, const Holders *holders,
                       const int64_t *only, int64_t only_count) {
    const Model *model = &made->plan.inputs.model;
    int64_t before = stage->experts.count;
    for (int64_t expert = 0; expert < model->experts; ++expert)
        random_expert(made, stage, layers, expert, holders);
    if (holders->shared)
        random_shared(made, stage, layers, holders, before);
    for (int64_t i = 0; i < only_count; ++i) {
        if (random_holds(stage, only[i]))
            continue;
        int64_t expert = draw(made->choices, model->experts), replica = 0;
        for (int64_t k = 0; k < stage->experts.count; ++k)
            if (stage->experts.items[k].expert == expert &&
                stage->experts.items[k].layers.begin == layers.begin)
                replica = most_of(replica, stage->experts.items[k].replica + 1);
        *(PlanExpert *)LIST_PUSH(made->arena, &stage->experts) =
            (PlanExpert){layers, expert, {0, model->expert_hidden}, only[i], replica};
    }
}

static Holders random_holders(RandomCase *made, const PlanStage *stage, const int64_t *only,
                              int64_t only_count, bool shared) {
    Choices *c = made->choices;
    IntList attention = random_stage_ranks(made, stage);
    Holders holders = {ARENA_ARRAY(made->arena, attention.count + only_count, int64_t), 0,
                       draw_rare(c, 2) ? 1 + draw(c, 3) : 1, false, shared};
    bool separate = only_count > 0 && draw(c, 3) < 2;
    for (int64_t i = 0; i < only_count; ++i)
        holders.ranks[holders.count++] = only[i];
    for (int64_t i = 0; !separate && i < attention.count; ++i)
        if (holders.count == 0 || draw(c, 4) < 3)
            holders.ranks[holders.count++] = attention.items[i];
    holders.all = draw_rare(c, 4);
    if (holders.all)
        holders.replicas = 1;
    if (draw_rare(c, 2))
        draw_shuffle(c, holders.ranks, holders.count);
    return holders;
}

static void random_experts(RandomCase *made, PlanStage *stage, int64_t *next_rank, bool shared) {
    Choices *c = made->choices;
    const Model *model = &made->plan.inputs.model;
    int64_t only[8], only_count = draw_low(c, 5);
    for (int64_t i = 0; i < only_count; ++i)
        only[i] = (*next_rank)++;
    Holders holders = random_holders(made, stage, only, only_count, shared);
    for (int64_t begin = stage->layers.begin; begin < stage->layers.end;) {
        int64_t end = model_same_until(model, begin, stage->layers.end);
        if (!model_is_dense(model, begin)) {
            if (draw_rare(c, 3))
                end = begin + 1 + draw(c, end - begin);
            random_map(made, stage, (Range){begin, end}, &holders, only, only_count);
        }
        begin = end;
    }
}

/* --- vocabulary ------------------------------------------------------------------------------- */

static void random_vocabulary(RandomCase *made, const PlanStage *stage, bool head) {
    Plan *plan = &made->plan;
    int64_t all = plan->inputs.model.vocabulary;
    for (int64_t g = 0; g < stage->attention.count; ++g) {
        const PlanGroup *group = &stage->attention.items[g];
        bool split = group->members.count <= all && draw_rare(made->choices, 2);
        Range *cut = split ? random_cut(made, (Range){0, all}, group->members.count, true) : NULL;
        for (int64_t m = 0; m < group->members.count; ++m)
            *(PlanVocabulary *)(head ? LIST_PUSH(made->arena, &plan->head)
                                     : LIST_PUSH(made->arena, &plan->embedding)) =
                (PlanVocabulary){group->members.items[m].rank, cut ? cut[m] : (Range){0, all}};
    }
}

/* --- ranks by other numbers, on GPUs ---------------------------------------------------------- */

static void renumber(Plan *plan, const int64_t *number) {
    for (int64_t s = 0; s < plan->stages.count; ++s) {
        PlanStage *stage = &plan->stages.items[s];
        for (int64_t g = 0; g < stage->attention.count; ++g)
            for (int64_t m = 0; m < stage->attention.items[g].members.count; ++m) {
                int64_t *rank = &stage->attention.items[g].members.items[m].rank;
                *rank = number[*rank];
            }
        for (int64_t i = 0; i < stage->ffn.count; ++i)
            stage->ffn.items[i].rank = number[stage->ffn.items[i].rank];
        for (int64_t i = 0; i < stage->experts.count; ++i)
            stage->experts.items[i].rank = number[stage->experts.items[i].rank];
    }
}

static void swap_items(void *items, size_t size, int64_t a, int64_t b) {
    char kept[64], *at = items;
    assert(size <= sizeof kept);
    memcpy(kept, at + (size_t)a * size, size);
    memmove(at + (size_t)a * size, at + (size_t)b * size, size);
    memcpy(at + (size_t)b * size, kept, size);
}

/* Lists say who holds what in any order. */
static void mix(RandomCase *made, void *items, size_t size, int64_t count) {
    for (int64_t i = 0; i + 1 < count; ++i)
        swap_items(items, size, i, i + draw(made->choices, count - i));
}

static void mix_lists(RandomCase *made) {
    Plan *plan = &made->plan;
    if (!draw_rare(made->choices, 4))
        return;
    for (int64_t s = 0; s < plan->stages.count; ++s) {
        PlanStage *stage = &plan->stages.items[s];
        mix(made, stage->experts.items, sizeof *stage->experts.items, stage->experts.count);
        mix(made, stage->ffn.items, sizeof *stage->ffn.items, stage->ffn.count);
    }
    mix(made, plan->embedding.items, sizeof *plan->embedding.items, plan->embedding.count);
    mix(made, plan->head.items, sizeof *plan->head.items, plan->head.count);
}

static int64_t *permutation(RandomCase *made, int64_t count, int64_t one_in) {
    int64_t *order = ARENA_ARRAY(made->arena, count + 1, int64_t);
    for (int64_t i = 0; i < count; ++i)
        order[i] = i;
    if (draw_rare(made->choices, one_in))
        draw_shuffle(made->choices, order, count);
    return order;
}

void random_placement(RandomCase *made) {
    Choices *c = made->choices;
    Plan *plan = &made->plan;
    const Model *model = &plan->inputs.model;
    plan->copies = 1 + (draw_rare(c, 4) ? 1 + draw(c, 2) : 0);
    int64_t batch = plan_copy_batch(plan), ranks = 0;
    int64_t groups = 1 + draw_low(c, least_of(batch, 3));
    Range *requests = random_cut(made, (Range){0, batch}, groups, true);
    int64_t stages = 1 + draw_low(c, least_of(model->layers, 3));
    Range *layers = random_cut(made, (Range){0, model->layers}, stages, false);
    bool shared = model->shared_hidden > 0 && draw_rare(c, 2);
    for (int64_t s = 0; s < stages; ++s) {
        PlanStage *stage = LIST_PUSH(made->arena, &plan->stages);
        stage->layers = layers[s];
        random_groups(made, stage, requests, groups, &ranks);
        if (stage_has(model, layers[s], true))
            random_ffn(made, stage, FFN_DENSE, model->dense_hidden);
        if (!stage_has(model, layers[s], false))
            continue;
        if (model->shared_hidden && !shared)
            random_ffn(made, stage, FFN_SHARED, model->shared_hidden);
        random_experts(made, stage, &ranks, shared);
    }
    plan->ranks_per_copy = ranks;
    renumber(plan, permutation(made, ranks, 3));
    random_vocabulary(made, &plan->stages.items[0], false);
    random_vocabulary(made, &plan->stages.items[stages - 1], true);
    mix_lists(made);
    plan->residual = draw(c, 2);
    plan->replica_choice = draw(c, 2);
}

void random_ranks(RandomCase *made) {
    Plan *plan = &made->plan;
    const Topology *topology = &plan->inputs.topology;
    int64_t world = plan->copies * plan->ranks_per_copy;
    random_topology(made, world);
    int64_t gpus = topology_gpu_count(topology);
    int64_t *slots = permutation(made, gpus, 3);
    bool told = draw(made->choices, 4) < 3;
    for (int64_t i = 0; i < gpus; ++i) {
        int64_t node = topology_slot_node(topology, slots[i]);
        int64_t gpu = topology_slot_gpu(topology, slots[i]);
        if (i < world)
            *(PlanRank *)LIST_PUSH(made->arena, &plan->ranks) = (PlanRank){i, node, gpu};
        else if (told)
            *(PlanIdle *)LIST_PUSH(made->arena, &plan->idle) =
                (PlanIdle){node, gpu, "there is nothing for it \"to do\"; \xc3\xa4\\"};
    }
}
