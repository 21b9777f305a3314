/* mutate_plan: operators over what a plan places: ranks, heads, requests, layers, columns, experts, vocabulary. */
#include "mutate.h"

#include <string.h>

/* Begin or end one on or back; both on, both back. */
enum { RANGE_VARIANTS = 6 };
static const char *const range_ways[RANGE_VARIANTS] = {"begin on", "begin back", "end on",
                                                       "end back", "both on",    "both back"};
static void shift_range(Range *range, int64_t v) {
    if (v < 2 || v >= 4)
        range->begin += v % 2 ? -1 : 1;
    if (v >= 2)
        range->end += v % 2 ? -1 : 1;
}

#define EACH_STAGE(stage)                                                                          \
    for (PlanStage *stage = m->plan->stages.items;                                                 \
         stage < m->plan->stages.items + m->plan->stages.count; ++stage)
#define EACH_GROUP(stage, group)                                                                   \
    for (PlanGroup *group = (stage)->attention.items;                                              \
         group < (stage)->attention.items + (stage)->attention.count; ++group)

/* --- ranks -------------------------------------------------------------------------------------------- */

static void gpu_twice(Mutant *m) {
    for (int64_t i = 1; i < m->plan->ranks.count; ++i)
        if (mutate_here(m, "rank %lld", (long long)i)) {
            m->plan->ranks.items[i].node = m->plan->ranks.items[i - 1].node;
            m->plan->ranks.items[i].gpu = m->plan->ranks.items[i - 1].gpu;
            return;
        }
}
static void gpu_memory(Mutant *m) {
    for (int64_t i = 0; i < m->plan->inputs.topology.nodes.count; ++i)
        if (mutate_here(m, "nodes of kind %lld", (long long)i)) {
            m->plan->inputs.topology.nodes.items[i].gpu.memory = 4096;
            return;
        }
}
static void rank_lost(Mutant *m) {
    for (int64_t i = 0; i < m->plan->ranks.count; ++i)
        if (mutate_here(m, "rank %lld", (long long)i)) {
            MUTATE_DROP(&m->plan->ranks, i);
            return;
        }
}
static void rank_number(Mutant *m) {
    for (int64_t i = 0; i < m->plan->ranks.count; ++i)
        for (int v = 0; v < 3; ++v) {
            PlanRank *rank = &m->plan->ranks.items[i];
            if (!mutate_here(m, "rank %lld, field %d", (long long)i, v))
                continue;
            ++*(v == 0 ? &rank->rank : v == 1 ? &rank->gpu : &rank->node);
            return;
        }
}
static void copies(Mutant *m) {
    for (int v = 0; v < 4; ++v)
        if (mutate_here(m, "variant %d", v)) {
            int64_t *field = v < 2 ? &m->plan->copies : &m->plan->ranks_per_copy;
            *field += v % 2 ? 1 : -1;
            return;
        }
}

/* --- stages and groups -------------------------------------------------------------------------------- */

static void stage_layers(Mutant *m) {
    EACH_STAGE(stage)
    for (int v = 0; v < RANGE_VARIANTS; ++v)
        if (mutate_here(m, "stage %lld, %s", (long long)(stage - m->plan->stages.items),
                        range_ways[v])) {
            shift_range(&stage->layers, v);
            return;
        }
}
static void stage_lost(Mutant *m) {
    for (int64_t s = 0; s < m->plan->stages.count; ++s)
        for (int v = 0; v < 3; ++v)
            if ((v < 2 || s + 1 < m->plan->stages.count) &&
                mutate_here(m, "stage %lld, variant %d", (long long)s, v)) {
                if (v == 0)
                    MUTATE_DROP(&m->plan->stages, s);
                else if (v == 1)
                    MUTATE_DOUBLE(m->arena, &m->plan->stages, s);
                else
                    MUTATE_SWAP(PlanStage, m->plan->stages.items[s], m->plan->stages.items[s + 1]);
                return;
            }
}
static void requests(Mutant *m) {
    EACH_STAGE(stage)
    EACH_GROUP(stage, group)
    for (int v = 0; v < RANGE_VARIANTS; ++v)
        if (mutate_here(m, "group %lld, %s", (long long)(group - stage->attention.items),
                        range_ways[v])) {
            shift_range(&group->requests, v);
            return;
        }
}
static void group_lost(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t g = 0; g < stage->attention.count; ++g)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "group %lld, variant %d", (long long)g, v)) {
                if (v)
                    MUTATE_DOUBLE(m->arena, &stage->attention, g);
                else
                    MUTATE_DROP(&stage->attention, g);
                return;
            }
}
static void heads(Mutant *m) {
    EACH_STAGE(stage)
    EACH_GROUP(stage, group)
    for (int64_t i = 0; i < group->members.count; ++i)
        for (int v = 0; v < RANGE_VARIANTS; ++v)
            if (mutate_here(m, "member of rank %lld, %s", (long long)group->members.items[i].rank,
                            range_ways[v])) {
                shift_range(&group->members.items[i].heads, v);
                return;
            }
}
/* Two members compute the same heads; or hold each other's, which is another order of the same sum. */
static void heads_of_other(Mutant *m) {
    EACH_STAGE(stage)
    EACH_GROUP(stage, group)
    for (int64_t i = 0; i + 1 < group->members.count; ++i)
        if (mutate_here(m, "members %lld and %lld", (long long)i, (long long)i + 1)) {
            group->members.items[i + 1].heads = group->members.items[i].heads;
            return;
        }
}
static void member_lost(Mutant *m) {
    EACH_STAGE(stage)
    EACH_GROUP(stage, group)
    for (int64_t i = 0; i < group->members.count; ++i)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "member %lld, variant %d", (long long)i, v)) {
                if (v)
                    MUTATE_DOUBLE(m->arena, &group->members, i);
                else
                    MUTATE_DROP(&group->members, i);
                return;
            }
}
static void member_rank(Mutant *m) {
    EACH_STAGE(stage)
    EACH_GROUP(stage, group)
    for (int64_t i = 0; i < group->members.count; ++i)
        if (mutate_here(m, "member %lld", (long long)i)) {
            ++group->members.items[i].rank;
            return;
        }
}

/* --- feed-forwards ------------------------------------------------------------------------------------ */

static void ffn_columns(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->ffn.count; ++i)
        for (int v = 0; v < RANGE_VARIANTS; ++v)
            if (mutate_here(m, "part %lld, %s", (long long)i, range_ways[v])) {
                shift_range(&stage->ffn.items[i].columns, v);
                return;
            }
}
static void ffn_lost(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->ffn.count; ++i)
        for (int v = 0; v < 4; ++v)
            if (mutate_here(m, "part %lld, variant %d", (long long)i, v)) {
                if (v == 0)
                    MUTATE_DROP(&stage->ffn, i);
                else if (v == 1)
                    MUTATE_DOUBLE(m->arena, &stage->ffn, i);
                else if (v == 2)
                    ++stage->ffn.items[i].rank;
                else
                    stage->ffn.items[i].kind = 1 - stage->ffn.items[i].kind;
                return;
            }
}

/* --- experts ------------------------------------------------------------------------------------------ */

static void expert_lost(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        if (mutate_here(m, "experts[%lld]", (long long)i)) {
            MUTATE_DROP(&stage->experts, i);
            return;
        }
}
static void expert_doubled(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "experts[%lld], variant %d", (long long)i, v)) {
                MUTATE_DOUBLE(m->arena, &stage->experts, i);
                for (int64_t k = 0; v && k < stage->experts.count; ++k) /* with another holder */
                    if (stage->experts.items[k].rank != stage->experts.items[i].rank) {
                        stage->experts.items[i].rank = stage->experts.items[k].rank;
                        break;
                    }
                return;
            }
}
static void expert_columns(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < RANGE_VARIANTS; ++v)
            if (mutate_here(m, "experts[%lld], %s", (long long)i, range_ways[v])) {
                shift_range(&stage->experts.items[i].columns, v);
                return;
            }
}
static void expert_layers(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < RANGE_VARIANTS; ++v)
            if (mutate_here(m, "experts[%lld], %s", (long long)i, range_ways[v])) {
                shift_range(&stage->experts.items[i].layers, v);
                return;
            }
}
static void expert_number(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "experts[%lld], variant %d", (long long)i, v)) {
                int64_t all = m->plan->inputs.model.experts;
                PlanExpert *expert = &stage->experts.items[i];
                expert->expert = (expert->expert + (v ? 1 : all - 1)) % all;
                return;
            }
}
static void expert_rank(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "experts[%lld], variant %d", (long long)i, v)) {
                stage->experts.items[i].rank += v ? 1 : -1;
                return;
            }
}
static void replica(Mutant *m) {
    EACH_STAGE(stage)
    for (int64_t i = 0; i < stage->experts.count; ++i)
        for (int v = 0; v < 2; ++v) {
            int64_t *number = &stage->experts.items[i].replica;
            if (*number == 0 && v == 0)
                continue;
            if (mutate_here(m, "experts[%lld], variant %d", (long long)i, v)) {
                *number = v ? *number + 1 : 0;
                return;
            }
        }
}

/* --- vocabulary --------------------------------------------------------------------------------------- */

static void entries(Mutant *m) {
    for (int v = 0; v < 2 * RANGE_VARIANTS; ++v) {
        PlanVocabulary *items = v % 2 ? m->plan->head.items : m->plan->embedding.items;
        int64_t count = v % 2 ? m->plan->head.count : m->plan->embedding.count;
        for (int64_t i = 0; i < count; ++i)
            if (mutate_here(m, "%s[%lld], %s", v % 2 ? "head" : "embedding", (long long)i,
                            range_ways[v / 2])) {
                shift_range(&items[i].entries, v / 2);
                return;
            }
    }
}
static void entries_lost(Mutant *m) {
    for (int v = 0; v < 6; ++v)
        for (int64_t i = 0; i < (v % 2 ? m->plan->head.count : m->plan->embedding.count); ++i)
            if (mutate_here(m, "%s[%lld], variant %d", v % 2 ? "head" : "embedding", (long long)i,
                            v / 2)) {
                if (v == 0)
                    MUTATE_DROP(&m->plan->embedding, i);
                else if (v == 1)
                    MUTATE_DROP(&m->plan->head, i);
                else if (v == 2)
                    MUTATE_DOUBLE(m->arena, &m->plan->embedding, i);
                else if (v == 3)
                    MUTATE_DOUBLE(m->arena, &m->plan->head, i);
                else
                    ++(v == 4 ? m->plan->embedding.items : m->plan->head.items)[i].rank;
                return;
            }
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static void residual(Mutant *m) {
    if (mutate_here(m, "residual"))
        m->plan->residual = 1 - m->plan->residual;
}
static void replica_choice(Mutant *m) {
    if (mutate_here(m, "replica_choice"))
        m->plan->replica_choice = 1 - m->plan->replica_choice;
}
static void microbatches(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int v = 0; v < 2; ++v)
            if (mutate_here(m, "step %lld, %s", (long long)s, v ? "one more" : "one less")) {
                m->plan->steps.items[s].microbatches += v ? 1 : -1;
                return;
            }
}
static void tokens(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int v = 0; v < 3; ++v)
            if (mutate_here(m, "step %lld, variant %d", (long long)s, v)) {
                PlanStep *step = &m->plan->steps.items[s];
                if (v == 2)
                    step->phase = 1 - step->phase;
                else
                    step->tokens += v ? 1 : -1;
                return;
            }
}

static const MutantOperator operators[] = {
    {"gpu-twice", "two ranks have one GPU", gpu_twice, NULL},
    {"gpu-memory", "GPUs of a node have memory for next to nothing", gpu_memory,
     "no rank is on such a node"},
    {"rank-lost", "a rank is not listed", rank_lost, NULL},
    {"rank-number", "a rank has another number, GPU or node", rank_number, NULL},
    {"copies", "copies or the ranks of one are one more or less", copies, NULL},
    {"stage-layers", "layers of a stage overlap the next or leave a gap", stage_layers, NULL},
    {"stage-lost", "a stage is lost, doubled, or trades places with the next", stage_lost, NULL},
    {"requests", "requests of a group overlap or leave a gap", requests, NULL},
    {"group-lost", "a request group is lost or doubled", group_lost, NULL},
    {"heads", "heads of a member overlap or leave a gap", heads, NULL},
    {"heads-of-other", "two members compute the same heads", heads_of_other, NULL},
    {"member-lost", "a member is lost or doubled", member_lost, NULL},
    {"member-rank", "a member is another rank", member_rank, NULL},
    {"ffn-columns", "columns of a feed-forward overlap or leave a gap", ffn_columns, NULL},
    {"ffn-lost", "a part of a feed-forward is lost, doubled, another's or of another kind",
     ffn_lost, NULL},
    {"expert-lost", "an expert is not held", expert_lost,
     "a replica less: its sources are led to another one"},
    {"expert-doubled", "an expert is held twice", expert_doubled, NULL},
    {"expert-columns", "columns of an expert overlap or leave a gap", expert_columns, NULL},
    {"expert-layers", "an expert begins or ends a layer off", expert_layers,
     "a replica in a layer less, likewise"},
    {"expert-number", "an expert is another one", expert_number,
     "a replica of another expert, which as many hold then"},
    {"expert-rank", "an expert is held by another rank", expert_rank,
     "the part lies on another rank, and routes lead there"},
    {"replica", "replicas are numbered otherwise", replica, NULL},
    {"vocabulary", "vocabulary entries overlap or leave a gap", entries, NULL},
    {"vocabulary-lost", "a range of entries is lost, doubled or another rank's", entries_lost,
     NULL},
    {"residual", "a sharded residual is replicated, or the reverse", residual,
     "rows of members are spread later or earlier; groups of one member have none to spread"},
    {"replica-choice", "replicas are chosen otherwise", replica_choice,
     "sources take another replica; where there are none, nothing reads it"},
    {"microbatches", "micro-batches are not as many as the orders say", microbatches, NULL},
    {"tokens", "a step has other tokens or another phase", tokens, NULL},
};

const MutantTable mutate_plan_table = {OF_PLAN, operators, sizeof operators / sizeof *operators};
