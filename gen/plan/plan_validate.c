/* plan_validate: the structural checks that make a plan safe to lower: everything that lowering
 * indexes is in range, ranges are ordered, each rank stands where it may. Whether a plan is also
 * right (coverage, matching, no deadlock) is the proof's question. Scratch memory is an arena of
 * its own. */
#include "plan/plan_validate.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The node that a path such as ".steps[0].moves[1].stages" leads to, or the last on the way that is there: a list that
 * is left out has none. */
static const YamlNode *node_at(const YamlNode *root, const char *path) {
    const YamlNode *node = root, *next = root;
    while (*path && next) {
        node = next;
        if (*path == '[') {
            char *end;
            int64_t index = strtoll(path + 1, &end, 10);
            assert(node->kind == YAML_SEQUENCE && index < node->count && *end == ']');
            next = node->items[index];
            path = end + 1;
        } else {
            size_t length = strcspn(path + 1, ".[");
            char key[64]; /* longer than any name of a field */
            snprintf(key, sizeof key, "%.*s", (int)length, path + 1);
            next = yaml_get(node, key);
            path += 1 + length;
        }
    }
    return next ? next : node;
}

static DiagPlace place_of(Check *check, const char *message) {
    if (!check->root) {
        return diag_nowhere();
    }
    const char *path = arena_printf(&check->scratch, ".%.*s", (int)strcspn(message, ": "), message);
    const YamlNode *node = node_at(check->root, path);
    DiagPlace place = node->place;
    if (node->kind != YAML_SCALAR) {
        place.width = 1;
    }
    return place;
}

Status plan_refuse(Check *check, const char *code, const char *help, const char *format, ...) {
    va_list args;
    va_start(args, format);
    Buf text = {0};
    buf_vprintf(&text, format, args);
    va_end(args);
    Status status =
        diag_error(check->diag, place_of(check, text.data), code, help, "%s", text.data);
    buf_free(&text);
    return status;
}

/* [begin, end) within [0, limit); empty only if allowed. */
static bool range_is_within(Range range, int64_t limit, bool may_be_empty) {
    return range.begin >= 0 && range.begin <= range.end && range.end <= limit &&
           (may_be_empty || range.begin < range.end);
}

bool plan_name_is_plain(const char *name) {
    for (const char *p = name; *p; p++) {
        if (!(*p >= 'a' && *p <= 'z') && !isdigit((unsigned char)*p) && *p != '-') {
            return false;
        }
    }
    return *name != '\0' && *name != '-' && strlen(name) <= 100; /* "-x" would be an option */
}

/* --- inputs ----------------------------------------------------------------------------------- */

enum { GPUS_MAX = 65536 }; /* keeps every table by rank small, as topology_read does */

/* A plan can be edited: what topology_read demands of a cluster holds here too. */
static Status check_topology(Check *check) {
    const Topology *topology = &check->plan->inputs.topology;
    int64_t nodes = topology_node_count(topology), gpus = topology_gpu_count(topology);
    for (int64_t i = 0; i < topology->nodes.count; i++) {
        const TopologyNode *node = &topology->nodes.items[i];
        if (nodes > 1 && (node->nics < 1 || node->nic_bandwidth <= 0)) {
            return plan_refuse(check, "E0503", "several nodes need a NIC each",
                               "inputs.topology: nodes of kind %s have no NIC", node->name);
        }
    }
    TRY(measured_check(&topology->measured, check->root ? check->root->place : diag_nowhere(),
                       check->diag));
    if (gpus < 1 || gpus > GPUS_MAX) {
        return plan_refuse(check, "E0503", "check count and gpus",
                           "inputs.topology: %lld GPUs, of 1 to %d", (long long)gpus, GPUS_MAX);
    }
    return STATUS_OK;
}

static Status check_inputs(Check *check) {
    const Model *model = &check->plan->inputs.model;
    const Workload *workload = &check->plan->inputs.workload;
    bool sizes = model->layers > 0 && model->hidden > 0 && model->heads > 0 &&
                 model->kv_heads > 0 && model->head_dim > 0 && model->vocabulary > 0 &&
                 model->experts > 0 && model->expert_hidden > 0 && model->top_k > 0;
    if (!sizes || model->heads % model->kv_heads != 0 || model->top_k > model->experts) {
        return plan_refuse(
            check, "E0503", "plan again from the model's file, which is checked key by key",
            "inputs.model: sizes must be positive, heads a multiple of kv_heads, and "
            "top_k at most experts");
    }
    const char *key, *fault = model_fault(model, &key);
    if (fault || model->value_dim < 1 || model->kv_latent < 0 || model->q_latent < 0 ||
        model->dense_hidden < 0 || model->shared_hidden < 0) {
        return plan_refuse(check, "E0503",
                           "plan again from the model's file, which is checked key by key",
                           "inputs.model: %s", fault ? fault : "sizes must not be negative");
    }
    if (workload->batch < 1 || workload->prefill < 1 || workload->context < workload->prefill) {
        return plan_refuse(
            check, "E0503", "plan again with the workload that is meant",
            "inputs.workload: batch and prefill must be positive, and context at least "
            "prefill");
    }
    if (!plan_name_is_plain(check->plan->name)) {
        return plan_refuse(check, "E0503", "use a-z, 0-9 and '-' (not first), at most 100 of them",
                           "name: '%s' cannot name a program", check->plan->name);
    }
    return STATUS_OK;
}

/* --- ranks and GPUs --------------------------------------------------------------------------- */

/* A GPU is taken by at most one rank or idle entry. */
static Status take_gpu(Check *check, bool *taken, int64_t node, int64_t gpu, const char *what,
                       int64_t index) {
    const Topology *topology = &check->plan->inputs.topology;
    if (node >= topology_node_count(topology) || gpu >= topology_node(topology, node)->gpus) {
        int64_t nodes = topology_node_count(topology);
        const char *help =
            node >= nodes
                ? arena_printf(&check->scratch, "nodes are 0 to %lld", (long long)nodes - 1)
                : arena_printf(&check->scratch, "GPUs of node %lld are 0 to %lld", (long long)node,
                               (long long)topology_node(topology, node)->gpus - 1);
        return plan_refuse(check, "E0504", help, "%s[%lld]: node %lld has no GPU %lld", what,
                           (long long)index, (long long)node, (long long)gpu);
    }
    bool *slot = &taken[topology_slot(topology, node, gpu)];
    if (*slot) {
        return plan_refuse(check, "E0504", "give each rank a GPU of its own",
                           "%s[%lld]: GPU %lld of node %lld is used already", what,
                           (long long)index, (long long)gpu, (long long)node);
    }
    *slot = true;
    return STATUS_OK;
}

static Status check_ranks(Check *check) {
    const Plan *plan = check->plan;
    int64_t gpus = topology_gpu_count(&plan->inputs.topology);
    if (plan->copies > gpus || plan->ranks_per_copy > gpus ||
        plan->ranks.count != plan->copies * plan->ranks_per_copy) {
        return plan_refuse(check, "E0504", "list ranks 0 .. copies x ranks_per_copy - 1",
                           "ranks: %lld are listed for %lld copies of %lld on %lld GPUs",
                           (long long)plan->ranks.count, (long long)plan->copies,
                           (long long)plan->ranks_per_copy, (long long)gpus);
    }
    bool *taken = ARENA_ARRAY(&check->scratch, gpus + 1, bool);
    for (int64_t i = 0; i < plan->ranks.count; i++) {
        const PlanRank *rank = &plan->ranks.items[i];
        if (rank->rank != i) {
            return plan_refuse(check, "E0504", "ranks ascend from 0", "ranks[%lld]: is rank %lld",
                               (long long)i, (long long)rank->rank);
        }
        TRY(take_gpu(check, taken, rank->node, rank->gpu, "ranks", i));
    }
    for (int64_t i = 0; i < plan->idle.count; i++) {
        TRY(take_gpu(check, taken, plan->idle.items[i].node, plan->idle.items[i].gpu, "idle", i));
    }
    return STATUS_OK;
}

/* --- the stage -------------------------------------------------------------------------------- */

/* `stage` and `index` say where it stands. */
static Status check_group(Check *check, const PlanGroup *group, int64_t stage, int64_t index) {
    const Plan *plan = check->plan;
    int64_t number = check->groups++;
    if (!range_is_within(group->requests, plan_copy_batch(plan), false)) {
        return plan_refuse(check, "E0505", "use fewer request groups or a larger batch",
                           "stages[%lld].attention[%lld]: requests [%lld, %lld) of %lld",
                           (long long)stage, (long long)index, (long long)group->requests.begin,
                           (long long)group->requests.end, (long long)plan_copy_batch(plan));
    }
    for (int64_t i = 0; i < group->members.count; i++) {
        const PlanMember *member = &group->members.items[i];
        if (member->rank >= plan->ranks_per_copy || check->group_of[member->rank] >= 0) {
            return plan_refuse(check, "E0505", "a rank of the first copy belongs to one group",
                               "stages[%lld].attention[%lld].members[%lld]: rank %lld is not free",
                               (long long)stage, (long long)index, (long long)i,
                               (long long)member->rank);
        }
        check->group_of[member->rank] = number;
        if (!range_is_within(member->heads, plan->inputs.model.heads, false)) {
            return plan_refuse(
                check, "E0505",
                "write [begin, end) within the heads; a rank that holds nothing is no "
                "member",
                "stages[%lld].attention[%lld].members[%lld]: heads [%lld, %lld) of %lld",
                (long long)stage, (long long)index, (long long)i, (long long)member->heads.begin,
                (long long)member->heads.end, (long long)plan->inputs.model.heads);
        }
    }
    return STATUS_OK;
}

static Status check_expert(Check *check, const PlanExpert *expert, int64_t stage, int64_t index) {
    const Plan *plan = check->plan;
    const Model *model = &plan->inputs.model;
    bool shared = model->shared_hidden > 0 && expert->expert == plan_shared_expert(plan);
    int64_t experts = model->experts + (model->shared_hidden > 0);
    int64_t width = shared ? model->shared_hidden : model->expert_hidden;
    if (range_is_within(expert->layers, model->layers, false) && expert->expert < experts &&
        range_is_within(expert->columns, width, false) && expert->rank < plan->ranks_per_copy &&
        expert->replica < plan->ranks_per_copy) {
        return STATUS_OK;
    }
    return plan_refuse(
        check, "E0506", "each of them begins at 0 and ends before its count",
        "stages[%lld].experts[%lld]: layers [%lld, %lld) of %lld, expert %lld of %lld, columns "
        "[%lld, %lld) of %lld, rank %lld of %lld, replica %lld",
        (long long)stage, (long long)index, (long long)expert->layers.begin,
        (long long)expert->layers.end, (long long)model->layers, (long long)expert->expert,
        (long long)experts, (long long)expert->columns.begin, (long long)expert->columns.end,
        (long long)width, (long long)expert->rank, (long long)plan->ranks_per_copy,
        (long long)expert->replica);
}

/* An expert on a rank, to be sorted. */
typedef struct Held {
    int64_t rank, expert, index;
    Range layers;
} Held;

static int by_rank_and_expert(const void *a, const void *b) {
    const Held *x = a, *y = b;
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->expert != y->expert) {
        return x->expert < y->expert ? -1 : 1;
    }
    return (x->layers.begin > y->layers.begin) - (x->layers.begin < y->layers.begin);
}

/* A row goes to a rank once, and finds one slot there for each choice: so a rank has one part of an expert. */
static Status check_parts(Check *check, const PlanStage *stage, int64_t index) {
    const PlanExpert *items = stage->experts.items;
    Held *held = ARENA_ARRAY(&check->scratch, stage->experts.count + 1, Held);
    for (int64_t i = 0; i < stage->experts.count; i++) {
        const PlanExpert *expert = &stage->experts.items[i];
        held[i] = (Held){expert->rank, expert->expert, i, expert->layers};
    }
    qsort(held, (size_t)stage->experts.count, sizeof *held, by_rank_and_expert);
    for (int64_t i = 1; i < stage->experts.count; i++) {
        const Held *a = &held[i - 1], *b = &held[i];
        if (a->rank == b->rank && a->expert == b->expert && b->layers.begin < a->layers.end) {
            return plan_refuse(
                check, "E0506", "give a rank one part of an expert, of consecutive columns",
                "stages[%lld].experts[%lld]: rank %lld holds another part of "
                "expert %lld in layer %lld",
                (long long)index, (long long)(a->index > b->index ? a : b)->index,
                (long long)a->rank, (long long)a->expert, (long long)b->layers.begin);
        }
        const PlanExpert *one = &items[a->index], *other = &items[b->index];
        if (a->rank == b->rank && a->expert == b->expert &&
            a->expert == plan_shared_expert(check->plan) &&
            (one->columns.begin != other->columns.begin || one->columns.end != other->columns.end ||
             one->replica != other->replica)) {
            return plan_refuse(check, "E0506",
                               "give the rank the same columns and replica of it in all layers",
                               "stages[%lld].experts[%lld]: rank %lld holds another part of expert "
                               "%lld, which all tokens pass, in layer %lld",
                               (long long)index, (long long)b->index, (long long)b->rank,
                               (long long)b->expert, (long long)a->layers.begin);
        }
    }
    return STATUS_OK;
}

/* A rank works in one stage. */
static Status join_stage(Check *check, int64_t rank, int64_t stage) {
    if (check->stage_of[rank] >= 0 && check->stage_of[rank] != stage) {
        return plan_refuse(check, "E0510", "give each stage ranks of its own",
                           "stages[%lld]: rank %lld is in stage %lld already", (long long)stage,
                           (long long)rank, (long long)check->stage_of[rank]);
    }
    check->stage_of[rank] = stage;
    return STATUS_OK;
}

static Status check_stage_ranks(Check *check, const PlanStage *stage, int64_t index) {
    for (int64_t i = 0; i < stage->attention.count; i++) {
        const PlanGroup *group = &stage->attention.items[i];
        TRY(check_group(check, group, index, i));
        for (int64_t m = 0; m < group->members.count; m++) {
            TRY(join_stage(check, group->members.items[m].rank, index));
        }
    }
    for (int64_t i = 0; i < stage->experts.count; i++) {
        const PlanExpert *expert = &stage->experts.items[i];
        TRY(check_expert(check, expert, index, i));
        TRY(join_stage(check, expert->rank, index));
        if (expert->layers.begin < stage->layers.begin || expert->layers.end > stage->layers.end) {
            return plan_refuse(check, "E0506", "a stage holds the experts of its own layers",
                               "stages[%lld].experts[%lld]: layers [%lld, %lld)", (long long)index,
                               (long long)i, (long long)expert->layers.begin,
                               (long long)expert->layers.end);
        }
        const Model *model = &check->plan->inputs.model;
        if (model_is_dense(model, expert->layers.begin) ||
            model_same_until(model, expert->layers.begin, expert->layers.end) <
                expert->layers.end) {
            return plan_refuse(check, "E0506", "dense layers have none: end the range before them",
                               "stages[%lld].experts[%lld]: layers [%lld, %lld) are not all layers "
                               "with experts",
                               (long long)index, (long long)i, (long long)expert->layers.begin,
                               (long long)expert->layers.end);
        }
    }
    return STATUS_OK;
}

/* The columns of a kind of feed-forward in a stage; 0: the stage has none. */
static int64_t ffn_width(const Check *check, const PlanStage *stage, int64_t kind) {
    const Model *model = &check->plan->inputs.model;
    for (int64_t layer = stage->layers.begin; layer < stage->layers.end; layer++) {
        if (model_is_dense(model, layer) == (kind == FFN_DENSE)) {
            if (kind == FFN_DENSE) {
                return model->dense_hidden;
            }
            return plan_shares_with_experts(check->plan) ? 0 : model->shared_hidden;
        }
    }
    return 0;
}

static Status check_ffn(Check *check, const PlanStage *stage, int64_t index) {
    bool *seen = ARENA_ARRAY(&check->scratch, 2 * check->plan->ranks_per_copy, bool);
    for (int64_t i = 0; i < stage->ffn.count; i++) {
        const PlanFfn *part = &stage->ffn.items[i];
        int64_t width = ffn_width(check, stage, part->kind);
        bool member = part->rank < check->plan->ranks_per_copy &&
                      check->group_of[part->rank] >= 0 && check->stage_of[part->rank] == index;
        if (!member || seen[2 * part->rank + part->kind] ||
            !range_is_within(part->columns, width, false)) {
            return plan_refuse(
                check, "E0515",
                "each member of the stage's request groups has one part of each kind "
                "of feed-forward that the stage has",
                "stages[%lld].ffn[%lld]: %s columns [%lld, %lld) of %lld, rank %lld",
                (long long)index, (long long)i, plan_ffn_names[part->kind],
                (long long)part->columns.begin, (long long)part->columns.end, (long long)width,
                (long long)part->rank);
        }
        seen[2 * part->rank + part->kind] = true;
    }
    for (int64_t rank = 0; rank < check->plan->ranks_per_copy; rank++) {
        bool here = check->group_of[rank] >= 0 && check->stage_of[rank] == index;
        for (int64_t kind = FFN_DENSE; here && kind <= FFN_SHARED; kind++) {
            if (ffn_width(check, stage, kind) > 0 && !seen[2 * rank + kind]) {
                return plan_refuse(check, "E0515", "give it a range of columns",
                                   "stages[%lld].ffn: rank %lld has no part of the %s feed-forward",
                                   (long long)index, (long long)rank, plan_ffn_names[kind]);
            }
        }
    }
    return STATUS_OK;
}

/* Rows are handed from each request group to the one with the same requests in the next stage. */
static Status check_handover(Check *check, int64_t index) {
    const PlanStage *stage = &check->plan->stages.items[index], *before = stage - 1;
    bool same = index == 0 || stage->attention.count == before->attention.count;
    for (int64_t g = 0; same && index > 0 && g < stage->attention.count; g++) {
        Range a = stage->attention.items[g].requests, b = before->attention.items[g].requests;
        same = a.begin == b.begin && a.end == b.end;
    }
    if (same) {
        return STATUS_OK;
    }
    return plan_refuse(check, "E0510", "stages have the same request groups, of any size",
                       "stages[%lld]: its request groups are not those of the stage before",
                       (long long)index);
}

static Status check_stages(Check *check) {
    const Plan *plan = check->plan;
    int64_t next = 0;
    for (int64_t i = 0; i < plan->stages.count; i++) {
        const PlanStage *stage = &plan->stages.items[i];
        bool last = i + 1 == plan->stages.count;
        if (stage->layers.begin != next || stage->layers.end <= next ||
            last != (stage->layers.end == plan->inputs.model.layers)) {
            return plan_refuse(check, "E0510", "stages follow each other and cover all layers",
                               "stages[%lld]: layers [%lld, %lld) of %lld", (long long)i,
                               (long long)stage->layers.begin, (long long)stage->layers.end,
                               (long long)plan->inputs.model.layers);
        }
        next = stage->layers.end;
        TRY(check_stage_ranks(check, stage, i));
        TRY(check_parts(check, stage, i));
        TRY(check_ffn(check, stage, i));
        TRY(check_handover(check, i));
    }
    return STATUS_OK;
}

static Status check_vocabulary(Check *check, const PlanVocabulary *entries, int64_t count,
                               int64_t stage, const char *what) {
    bool *seen = ARENA_ARRAY(&check->scratch, check->plan->ranks_per_copy, bool);
    for (int64_t i = 0; i < count; i++) {
        const PlanVocabulary *entry = &entries[i];
        if (entry->rank >= check->plan->ranks_per_copy || check->group_of[entry->rank] < 0 ||
            check->stage_of[entry->rank] != stage || seen[entry->rank]) {
            return plan_refuse(check, "E0507",
                               "each member of the stage's request groups stands there once",
                               "%s[%lld]: rank %lld", what, (long long)i, (long long)entry->rank);
        }
        seen[entry->rank] = true;
        if (!range_is_within(entry->entries, check->plan->inputs.model.vocabulary, false)) {
            return plan_refuse(check, "E0507", "write [begin, end) within the vocabulary",
                               "%s[%lld]: entries [%lld, %lld) of %lld", what, (long long)i,
                               (long long)entry->entries.begin, (long long)entry->entries.end,
                               (long long)check->plan->inputs.model.vocabulary);
        }
    }
    for (int64_t rank = 0; rank < check->plan->ranks_per_copy; rank++) {
        if (check->group_of[rank] >= 0 && check->stage_of[rank] == stage && !seen[rank]) {
            return plan_refuse(check, "E0507", "give it a range of entries",
                               "%s: rank %lld of a request group is missing", what,
                               (long long)rank);
        }
    }
    return STATUS_OK;
}

/* --- steps ------------------------------------------------------------------------------------ */

static Status check_item(Check *check, const PlanStep *step, const PlanLoop *loop,
                         const PlanItem *item, Range layers, const char *where) {
    bool layered = item->part == PART_ATTENTION || item->part == PART_DISPATCH ||
                   item->part == PART_EXPERTS || item->part == PART_COMBINE;
    if (item->microbatch >= step->microbatches) {
        return plan_refuse(check, "E0511", "micro-batches count from 0",
                           "%s: micro-batch %lld of %lld", where, (long long)item->microbatch,
                           (long long)step->microbatches);
    }
    if (layered && (loop->layers.begin - item->lag < layers.begin ||
                    loop->layers.end - item->lag > layers.end)) {
        return plan_refuse(check, "E0511", "layer - lag must be a layer of the ranks' stage",
                           "%s: %s with lag %lld in layers [%lld, %lld) of [%lld, %lld)", where,
                           plan_part_names[item->part], (long long)item->lag,
                           (long long)loop->layers.begin, (long long)loop->layers.end,
                           (long long)layers.begin, (long long)layers.end);
    }
    return STATUS_OK;
}

/* The embedding is held in the first stage, the head in the last. */
static Status check_part(Check *check, const PlanItem *item, int64_t stage, const char *where) {
    bool first = stage == 0, last = stage + 1 == check->plan->stages.count;
    if ((item->part != PART_EMBED || first) && (item->part != PART_HEAD || last)) {
        return STATUS_OK;
    }
    return plan_refuse(check, "E0511", "embed belongs to the first stage, head to the last",
                       "%s: %s in stage %lld of %lld", where, plan_part_names[item->part],
                       (long long)stage, (long long)check->plan->stages.count);
}

static Status check_order(Check *check, const PlanStep *step, const PlanOrder *order, bool *seen,
                          const char *where) {
    int64_t stage = -1;
    for (int64_t i = 0; i < order->ranks.count; i++) {
        int64_t rank = order->ranks.items[i];
        if (rank < 0 || rank >= check->plan->ranks_per_copy || seen[rank]) {
            return plan_refuse(check, "E0509", "each rank of the first copy has one order",
                               "%s: rank %lld", where, (long long)rank);
        }
        seen[rank] = true;
        stage = i == 0 ? check->stage_of[rank] : stage;
        if (stage < 0 || check->stage_of[rank] != stage) {
            return plan_refuse(check, "E0509", "the ranks of an order work in one stage",
                               "%s: rank %lld", where, (long long)rank);
        }
    }
    Range layers = order->ranks.count > 0 ? check->plan->stages.items[stage].layers : (Range){0, 0};
    for (int64_t i = 0; i < order->loops.count; i++) {
        const PlanLoop *loop = &order->loops.items[i];
        /* An epilogue runs one layer past the last. */
        if (!range_is_within(loop->layers, check->plan->inputs.model.layers + 1, false)) {
            return plan_refuse(check, "E0511",
                               "a loop ends at most one layer past the last; leave empty loops out",
                               "%s.loops[%lld]: layers [%lld, %lld) of %lld", where, (long long)i,
                               (long long)loop->layers.begin, (long long)loop->layers.end,
                               (long long)check->plan->inputs.model.layers);
        }
        for (int64_t k = 0; k < loop->items.count; k++) {
            const char *item = arena_printf(&check->scratch, "%s.loops[%lld].items[%lld]", where,
                                            (long long)i, (long long)k);
            TRY(check_item(check, step, loop, &loop->items.items[k], layers, item));
            TRY(check_part(check, &loop->items.items[k], stage, item));
        }
    }
    return STATUS_OK;
}

static Status check_orders(Check *check, const PlanStep *step, const char *where) {
    bool *seen = ARENA_ARRAY(&check->scratch, check->plan->ranks_per_copy, bool);
    for (int64_t i = 0; i < step->orders.count; i++) {
        const char *order = arena_printf(&check->scratch, "%s.orders[%lld]", where, (long long)i);
        TRY(check_order(check, step, &step->orders.items[i], seen, order));
    }
    for (int64_t rank = 0; rank < check->plan->ranks_per_copy; rank++) {
        if (!seen[rank]) {
            return plan_refuse(check, "E0509", "each rank of the first copy has one order",
                               "%s.orders: rank %lld has none", where, (long long)rank);
        }
    }
    return STATUS_OK;
}

static Status check_steps(Check *check) {
    const Plan *plan = check->plan;
    for (int64_t i = 0; i < plan->steps.count; i++) {
        const PlanStep *step = &plan->steps.items[i];
        const char *where = arena_printf(&check->scratch, "steps[%lld]", (long long)i);
        for (int64_t k = 0; k < i; k++) {
            if (strcmp(plan->steps.items[k].name, step->name) == 0) {
                return plan_refuse(check, "E0508", "give each step a name of its own",
                                   "%s: the name %s is taken", where, step->name);
            }
        }
        bool tokens = step->phase == PHASE_DECODE ? step->tokens == 1
                                                  : step->tokens <= plan->inputs.workload.prefill;
        if (!plan_name_is_plain(step->name) || !tokens) {
            return plan_refuse(check, "E0508", "decode has 1 token, prefill at most the workload's",
                               "%s: step '%s' with %lld tokens", where, step->name,
                               (long long)step->tokens);
        }
        TRY(check_orders(check, step, where));
        TRY(plan_validate_moves(check, step, where));
    }
    return STATUS_OK;
}

static Status check_all(Check *check) {
    TRY(check_inputs(check));
    TRY(check_topology(check));
    TRY(check_ranks(check));
    int64_t ranks = check->plan->ranks_per_copy;
    check->group_of = ARENA_ARRAY(&check->scratch, ranks, int64_t);
    check->stage_of = ARENA_ARRAY(&check->scratch, ranks, int64_t);
    for (int64_t rank = 0; rank < ranks; rank++) {
        check->group_of[rank] = check->stage_of[rank] = -1;
    }
    TRY(check_stages(check));
    TRY(check_vocabulary(check, check->plan->embedding.items, check->plan->embedding.count, 0,
                         "embedding"));
    TRY(check_vocabulary(check, check->plan->head.items, check->plan->head.count,
                         check->plan->stages.count - 1, "head"));
    return check_steps(check);
}

Status plan_validate(const Plan *plan, const YamlNode *root, Diag *diag) {
    Check check = {.plan = plan, .root = root, .diag = diag};
    Status status = check_all(&check);
    arena_free(&check.scratch);
    return status;
}
