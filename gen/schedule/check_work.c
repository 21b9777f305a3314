/* check_work: nothing left out, nothing done twice. What the plan asks of a rank is done once
 * for each of its layers and micro-batches; and what a rank does for one layer and micro-batch
 * it does for all, as do the members of its group. */
#include "schedule/check_rules.h"

#include <string.h>

/* How often a rank executes each kind, by cell: micro-batch outside layers, then layer x
 * micro-batch. */
typedef struct Tally {
    int32_t (*cells)[OP_KINDS]; /* [(1 + layers) x microbatches] */
    uint64_t *order;            /* [cells] a digest of the kinds in order of execution */
    int64_t microbatches;
} Tally;

static Tally tally_of(Check *check, int64_t rank, int64_t step) {
    Tally tally = {.microbatches = check->plan->steps.items[step].microbatches};
    int64_t count = (1 + check->model->layers) * tally.microbatches;
    tally.cells = arena_array(check->scratch, (size_t)count, sizeof *tally.cells);
    tally.order = ARENA_ARRAY(check->scratch, count, uint64_t);
    WalkCursor cursor = walk_begin(&check->schedule->ranks[rank], step);
    WalkItem item;
    while (walk_next(&cursor, &item)) {
        const Op *op = check_op(check, rank, item.op);
        int64_t cell = (item.layer + 1) * tally.microbatches + op->microbatch;
        ++tally.cells[cell][op->kind];
        if (op_info[op->kind].class == OPCLASS_PAIR)
            continue; /* as many as there are peers with rows of the micro-batch: provenance counts them */
        tally.order[cell] = (tally.order[cell] + (uint64_t)op->kind + 1) * 0x100000001b3u;
    }
    return tally;
}

static void refuse(Check *check, int64_t rank, int64_t step, int64_t cell, OpKind kind,
                   int32_t does, int32_t expected, const char *why) {
    int64_t microbatches = check->plan->steps.items[step].microbatches;
    int64_t layer = cell / microbatches - 1;
    char place[48] = "outside layers";
    if (layer >= 0)
        snprintf(place, sizeof place, "layer %lld", (long long)layer);
    check_fail(check, CHECK_WORK, NULL,
               "rank %lld, step %s, %s, micro-batch %lld: %s is executed %d times, not %d%s",
               (long long)rank, check->plan->steps.items[step].name, place,
               (long long)(cell % microbatches), op_info[kind].name, (int)does, (int)expected, why);
}

static void refuse_order(Check *check, int64_t rank, int64_t step, int64_t cell, int64_t like) {
    int64_t microbatches = check->plan->steps.items[step].microbatches;
    check_fail(check, CHECK_WORK, NULL,
               "rank %lld, step %s: its operations come in another order for layer %lld, "
               "micro-batch %lld, than for layer %lld, micro-batch %lld",
               (long long)rank, check->plan->steps.items[step].name,
               (long long)(cell / microbatches - 1), (long long)(cell % microbatches),
               (long long)(like / microbatches - 1), (long long)(like % microbatches));
}

static void expect_once(Check *check, int64_t rank, int64_t step, const Tally *tally, int64_t layer,
                        const OpKind *kinds, int count) {
    for (int64_t m = 0; m < tally->microbatches; ++m) {
        int64_t cell = (layer + 1) * tally->microbatches + m;
        check_count(check, CHECK_WORK, 1);
        for (int k = 0; k < count; ++k)
            if (tally->cells[cell][kinds[k]] != 1)
                refuse(check, rank, step, cell, kinds[k], tally->cells[cell][kinds[k]], 1, "");
    }
}

static void expect_times(Check *check, int64_t rank, int64_t step, const Tally *tally,
                         int64_t layer, OpKind kind, int32_t times) {
    for (int64_t m = 0; m < tally->microbatches; ++m) {
        int64_t cell = (layer + 1) * tally->microbatches + m;
        check_count(check, CHECK_WORK, 1);
        if (tally->cells[cell][kind] != times)
            refuse(check, rank, step, cell, kind, tally->cells[cell][kind], times, "");
    }
}

/* Experts, and what all tokens pass, that the plan puts on the rank: each sort is an operation of its own. */
static int32_t sorts_of_slots(const Check *check, int64_t rank) {
    const PlanStage *stage = check_stage(check, rank);
    bool sorts[2] = {false, false};
    for (int64_t i = 0; stage && i < stage->experts.count; ++i)
        if (stage->experts.items[i].rank == rank % check->plan->ranks_per_copy)
            sorts[stage->experts.items[i].expert >= check->model->experts] = true;
    return sorts[0] + sorts[1];
}

static bool is_target(const Check *check, int64_t rank, int64_t step) {
    for (int64_t e = 0; e < check->schedule->exchanges.count; ++e)
        if (check->schedule->exchanges.items[e].step == step &&
            check_target(&check->schedule->exchanges.items[e], rank) >= 0)
            return true;
    return false;
}

/* Each micro-batch passes through the layers in their order. */
static void check_ascent(Check *check, int64_t rank, int64_t step) {
    int64_t microbatches = check->plan->steps.items[step].microbatches;
    int64_t *last = ARENA_ARRAY(check->scratch, microbatches, int64_t);
    WalkCursor cursor = walk_begin(&check->schedule->ranks[rank], step);
    WalkItem item;
    while (walk_next(&cursor, &item)) {
        int64_t m = check_op(check, rank, item.op)->microbatch;
        if (item.layer < 0)
            continue;
        if (item.layer < last[m]) {
            check_fail(check, CHECK_WORK, NULL, "%s comes after layer %lld of its micro-batch",
                       check_where(check, rank, step, item), (long long)last[m]);
            return;
        }
        last[m] = item.layer;
    }
}

/* What the model does to queries, keys and values before they rotate. */
static int before_rotation(const Model *model, OpKind kinds[3]) {
    int count = 0;
    if (model->qk_norm == QK_NORM_HEAD)
        kinds[count++] = OP_head_norm;
    if (model->qk_norm == QK_NORM_FULL) {
        kinds[count++] = OP_norm_squares;
        kinds[count++] = OP_norm_scale;
    }
    if (model->qkv_clip > 0)
        kinds[count++] = OP_clip;
    return count;
}

/* Once for each layer and micro-batch, by what the plan says that the rank is. */
static void check_duties(Check *check, int64_t rank, int64_t step, const Tally *tally) {
    static const OpKind first[] = {OP_begin, OP_embed, OP_finish};
    static const OpKind last[] = {OP_head, OP_choose, OP_finish};
    const PlanStage *stage = NULL;
    int64_t base, layers = check->model->layers;
    const PlanGroup *group = check_group(check, rank, &base, &stage);
    bool latent = model_is_latent(check->model);
    OpKind append = latent                                    ? OP_latent_append
                    : check->model->position == POSITION_ROPE ? OP_rope_append
                                                              : OP_append;
    OpKind attend = latent ? OP_latent_attention : OP_attention;
    const OpKind dense[] = {append, attend, OP_dense_ffn};
    const OpKind routed[] = {append, attend, OP_route, OP_pack, OP_weighted_sum, OP_dense_ffn};
    OpKind prepare[3];
    int preparations = before_rotation(check->model, prepare);
    for (int64_t layer = 0; group && layer < layers; ++layer) {
        if (layer < stage->layers.begin || layer >= stage->layers.end)
            continue;
        expect_once(check, rank, step, tally, layer, prepare, preparations);
        if (model_is_dense(check->model, layer))
            expect_once(check, rank, step, tally, layer, dense, 3);
        else
            expect_once(check, rank, step, tally, layer, routed,
                        check->model->shared_hidden && !check_serves_shared(check) ? 6 : 5);
    }
    if (group && stage->layers.begin == 0)
        expect_once(check, rank, step, tally, -1, first, 3);
    if (group && stage->layers.end == layers)
        expect_once(check, rank, step, tally, -1, last, 3);
    bool target = is_target(check, rank, step);
    int32_t feeds = sorts_of_slots(check, rank);
    const PlanStage *of = check_stage(check, rank);
    for (int64_t layer = of ? of->layers.begin : 0; of && target && layer < of->layers.end; ++layer)
        if (!model_is_dense(check->model, layer))
            expect_times(check, rank, step, tally, layer, OP_expert_ffn, feeds);
    if (!group && !target)
        check_fail(check, CHECK_WORK, NULL, "rank %lld, step %s: the plan gives it nothing to do",
                   (long long)rank, check->plan->steps.items[step].name);
}

/* Every cell in layers like the rank's first one of its kind (dense or with experts) that is not empty, and outside
 * layers like the first. */
static void check_uniform(Check *check, int64_t rank, int64_t step, const Tally *tally) {
    int64_t cells = (1 + check->model->layers) * tally->microbatches;
    int64_t likes[3] = {-1, -1, -1}; /* outside layers, with experts, dense */
    static const int32_t nothing[OP_KINDS] = {0};
    for (int64_t cell = 0; cell < cells; ++cell) {
        if (memcmp(tally->cells[cell], nothing, sizeof nothing) == 0)
            continue;
        int64_t layer = cell / tally->microbatches - 1;
        int64_t *first = &likes[layer < 0 ? 0 : 1 + model_is_dense(check->model, layer)];
        int64_t like = *first = *first < 0 ? cell : *first;
        if (tally->order[cell] != tally->order[like])
            refuse_order(check, rank, step, cell, like);
        for (int k = 0; k < OP_KINDS; ++k)
            if (op_info[k].class != OPCLASS_PAIR && tally->cells[cell][k] != tally->cells[like][k])
                refuse(check, rank, step, cell, (OpKind)k, tally->cells[cell][k],
                       tally->cells[like][k], " as for its other layers and micro-batches");
    }
}

/* Members of a group do the same work on their heads; only moves of sets may differ. */
static void check_members(Check *check, const PlanGroup *group, int64_t base, int64_t step,
                          const Tally *tallies) {
    int64_t cells = (1 + check->model->layers) * check->plan->steps.items[step].microbatches;
    int64_t first = base + group->members.items[0].rank;
    for (int64_t m = 1; m < group->members.count; ++m) {
        int64_t rank = base + group->members.items[m].rank;
        for (int64_t cell = 0; cell < cells; ++cell)
            for (int k = 0; k < OP_KINDS; ++k)
                if (op_info[k].class != OPCLASS_COLLECTIVE && op_info[k].class != OPCLASS_PAIR &&
                    k != OP_expert_ffn &&
                    tallies[rank].cells[cell][k] != tallies[first].cells[cell][k])
                    refuse(check, rank, step, cell, (OpKind)k, tallies[rank].cells[cell][k],
                           tallies[first].cells[cell][k], " as in the first member of its group");
    }
}

void check_work(Check *check) {
    for (int64_t step = 0; step < check->plan->steps.count; ++step) {
        ArenaMark mark = arena_mark(check->scratch);
        Tally *tallies = ARENA_ARRAY(check->scratch, check->schedule->world, Tally);
        for (int64_t rank = 0; rank < check->schedule->world; ++rank) {
            tallies[rank] = tally_of(check, rank, step);
            check_duties(check, rank, step, &tallies[rank]);
            check_uniform(check, rank, step, &tallies[rank]);
            check_ascent(check, rank, step);
        }
        for (int64_t rank = 0; rank < check->schedule->world; ++rank) {
            int64_t base;
            const PlanGroup *group = check_group(check, rank, &base, NULL);
            if (group && base + group->members.items[0].rank == rank)
                check_members(check, group, base, step, tallies);
        }
        arena_rewind(check->scratch, mark);
    }
}
