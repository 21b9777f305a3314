/* check_coverage: who computes what, from the ranges that operations name and from holdings: heads, key-value heads,
 * columns of feed-forwards and vocabulary once in every request group; requests once. */
#include "schedule/check_rules.h"

#include <stdlib.h>
#include <string.h>

/* --- ranges that must tile a whole
 * ------------------------------------------------------------------- */

typedef struct Part {
    Range range;
    int64_t rank;
} Part;

typedef LIST_OF(Part) Parts;

static void add_part(Check *check, Parts *parts, Range range, int64_t rank) {
    if (range.begin < range.end)
        *(Part *)LIST_PUSH(check->scratch, parts) = (Part){range, rank};
}

static int by_begin(const void *a, const void *b) {
    const Part *x = a, *y = b;
    if (x->range.begin != y->range.begin)
        return x->range.begin < y->range.begin ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Refuse unless the parts cover [0, whole) once. `what`: "head", "request"; `where` begins the
 * message. */
static void check_tiles(Check *check, CheckRuleId rule, Parts *parts, int64_t whole,
                        const char *what, const char *where) {
    if (parts->count > 0)
        qsort(parts->items, (size_t)parts->count, sizeof(Part), by_begin);
    check_count(check, rule, parts->count);
    int64_t next = 0, previous = -1;
    for (int64_t i = 0; i < parts->count; ++i) {
        const Part *part = &parts->items[i];
        if (part->range.begin > next)
            break;
        if (part->range.begin < next) {
            check_fail(check, rule, NULL, "%s: %s %lld is with rank %lld and with rank %lld", where,
                       what, (long long)part->range.begin, (long long)previous,
                       (long long)part->rank);
            return;
        }
        next = part->range.end;
        previous = part->rank;
    }
    if (next != whole)
        check_fail(check, rule, NULL, "%s: %s %lld of %lld is with no rank", where, what,
                   (long long)next, (long long)whole);
}

/* --- request groups
 * ----------------------------------------------------------------------------------- */

/* Elements of rows x columns of a tensor in a layer that a rank holds, primary or copy, in a buffer; -1: in any. */
static int64_t held(const RankSchedule *rank, int64_t buffer, TensorKind tensor, int64_t layer,
                    Range rows, Range columns) {
    int64_t elements = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *h = &rank->holdings.items[i];
        if (h->tensor != (int64_t)tensor || !range_has(h->layers, layer) ||
            (buffer >= 0 && h->buffer != buffer) || !range_overlap(h->rows, rows) ||
            !range_overlap(h->columns, columns))
            continue;
        int64_t r0 = h->rows.begin > rows.begin ? h->rows.begin : rows.begin;
        int64_t r1 = h->rows.end < rows.end ? h->rows.end : rows.end;
        int64_t c0 = h->columns.begin > columns.begin ? h->columns.begin : columns.begin;
        int64_t c1 = h->columns.end < columns.end ? h->columns.end : columns.end;
        elements += (r1 - r0) * (c1 - c0);
    }
    return elements;
}

static void check_held_in(Check *check, CheckRuleId rule, int64_t rank, int64_t buffer,
                          TensorKind tensor, Range layers, Range rows, Range columns) {
    check_count(check, rule, 1);
    for (int64_t layer = layers.begin; layer < layers.end; ++layer)
        if (held(&check->schedule->ranks[rank], buffer, tensor, layer, rows, columns) !=
            range_length(rows) * range_length(columns)) {
            check_fail(check, rule, NULL,
                       "rank %lld, layer %lld: it computes with rows %lld-%lld, columns %lld-%lld "
                       "of %s, but does not hold all of them",
                       (long long)rank, (long long)layer, (long long)rows.begin,
                       (long long)rows.end - 1, (long long)columns.begin,
                       (long long)columns.end - 1, tensor_kind_names[tensor]);
            return;
        }
}

static void check_held(Check *check, CheckRuleId rule, int64_t rank, TensorKind tensor,
                       Range layers, Range rows, Range columns) {
    check_held_in(check, rule, rank, -1, tensor, layers, rows, columns);
}

static Range arg_range(const Op *op, const char *first, const char *count) {
    int64_t begin = check_arg(op, first);
    return (Range){begin, begin + check_arg(op, count)};
}

static bool buffer_has(const RankSchedule *rank, int64_t buffer, TensorKind tensor) {
    for (int64_t i = 0; i < rank->holdings.count; ++i)
        if (rank->holdings.items[i].buffer == buffer &&
            rank->holdings.items[i].tensor == (int64_t)tensor)
            return true;
    return false;
}

/* The first operation of a kind; of a feed-forward the first whose up matrix is of `tensor`. */
static const Op *find_op(const Check *check, int64_t rank, int64_t step, OpKind kind,
                         TensorKind tensor) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    for (int64_t g = 0; g < of->steps[step].segments.count; ++g) {
        const Segment *segment = &of->steps[step].segments.items[g];
        for (int64_t i = segment->first; i < segment->first + segment->count; ++i)
            if (of->ops.items[i].kind == (int64_t)kind &&
                (kind != OP_dense_ffn ||
                 buffer_has(of, check_arg(&of->ops.items[i], "up"), tensor)))
                return &of->ops.items[i];
    }
    return NULL;
}

/* Likewise with latents: their projections are whole with every member. */
static void check_latent_heads(Check *check, int64_t rank, const Op *op, Range layers) {
    const Model *model = check->model;
    Range heads = arg_range(op, "head_begin", "heads");
    const struct {
        TensorKind tensor;
        int64_t size; /* rows a head; 0: all of the tensor */
    } cut[] = {{TENSOR_QUERY, model->head_dim},
               {TENSOR_LATENT_UP, model_plain_dim(model) + model->value_dim},
               {TENSOR_LATENT, 0},
               {TENSOR_QUERY_DOWN, 0}};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; ++i) {
        Range rows = {heads.begin * cut[i].size, heads.end * cut[i].size}, columns = {0, 0};
        int64_t all;
        if (!model_has(model, cut[i].tensor))
            continue;
        model_tensor_shape(model, cut[i].tensor, &all, &columns.end);
        check_held(check, check_tensor_rule(cut[i].tensor), rank, cut[i].tensor, layers,
                   cut[i].size ? rows : (Range){0, all}, columns);
    }
    check_held(check, CHECK_HEADS, rank, TENSOR_OUTPUT, layers, (Range){0, model->hidden},
               (Range){heads.begin * model->value_dim, heads.end * model->value_dim});
}

/* The heads that a member's attention computes, and the weights for them. */
static void check_member_heads(Check *check, int64_t rank, const Op *op, Range layers) {
    const Model *model = check->model;
    int64_t size = model->head_dim, share = model->heads / model->kv_heads;
    Range heads = arg_range(op, "head_begin", "heads"), kv = arg_range(op, "kv_begin", "kv_heads");
    Range rows = {heads.begin * size, heads.end * size};
    Range kv_rows = {kv.begin * size, kv.end * size}, all = {0, model->hidden};
    check_held(check, CHECK_HEADS, rank, TENSOR_QUERY, layers, rows, all);
    check_held(check, CHECK_HEADS, rank, TENSOR_OUTPUT, layers, all, rows);
    check_held(check, CHECK_KV_HEADS, rank, TENSOR_KEY, layers, kv_rows, all);
    check_held(check, CHECK_KV_HEADS, rank, TENSOR_VALUE, layers, kv_rows, all);
    const struct {
        TensorKind tensor;
        Range rows;
    } vectors[] = {{TENSOR_QUERY_BIAS, rows},
                   {TENSOR_KEY_BIAS, kv_rows},
                   {TENSOR_VALUE_BIAS, kv_rows},
                   {TENSOR_QUERY_NORM, rows},
                   {TENSOR_KEY_NORM, kv_rows}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; ++i) {
        bool norm = vectors[i].tensor == TENSOR_QUERY_NORM || vectors[i].tensor == TENSOR_KEY_NORM;
        bool each = norm && model->qk_norm == QK_NORM_HEAD; /* the same for every head */
        if (model_has(model, vectors[i].tensor))
            check_held(check, check_tensor_rule(vectors[i].tensor), rank, vectors[i].tensor, layers,
                       each ? (Range){0, size} : vectors[i].rows, (Range){0, 1});
    }
    if (range_length(heads) > 0 &&
        (heads.begin / share < kv.begin || (heads.end - 1) / share >= kv.end))
        check_fail(check, CHECK_KV_HEADS, NULL,
                   "rank %lld: query heads %lld-%lld need key-value heads %lld-%lld, it has "
                   "%lld-%lld",
                   (long long)rank, (long long)heads.begin, (long long)heads.end - 1,
                   (long long)(heads.begin / share), (long long)((heads.end - 1) / share),
                   (long long)kv.begin, (long long)kv.end - 1);
}

static void check_group_heads(Check *check, const PlanStage *stage, const PlanGroup *group,
                              int64_t base, int64_t step, const char *where) {
    bool latent = model_is_latent(check->model);
    OpKind attend = latent ? OP_latent_attention : OP_attention;
    Parts parts = {0};
    for (int64_t m = 0; m < group->members.count; ++m) {
        int64_t rank = base + group->members.items[m].rank;
        const Op *op = find_op(check, rank, step, attend, TENSOR_QUERY);
        if (!op)
            continue;
        add_part(check, &parts, arg_range(op, "head_begin", "heads"), rank);
        (latent ? check_latent_heads : check_member_heads)(check, rank, op, stage->layers);
    }
    check_tiles(check, CHECK_HEADS, &parts, check->model->heads, "query head", where);
}

/* Whatever else of a feed-forward a member has in a layer is of the columns of its up matrix. */
static void check_same_columns(Check *check, const RankSchedule *rank, const Op *op, int64_t layer,
                               Range columns) {
    static const char *const others[] = {"gate", "gate_bias", "up_bias", "down"};
    for (size_t n = 0; n < sizeof others / sizeof *others; ++n)
        for (int64_t i = 0; check_arg(op, others[n]) >= 0 && i < rank->holdings.count; ++i) {
            const Holding *holding = &rank->holdings.items[i];
            Range cut = strcmp(others[n], "down") == 0 ? holding->columns : holding->rows;
            if (holding->buffer == check_arg(op, others[n]) && range_has(holding->layers, layer) &&
                (cut.begin != columns.begin || cut.end != columns.end))
                check_fail(check, CHECK_DENSE, NULL,
                           "rank %lld, layer %lld: %s is of columns %lld-%lld, up of %lld-%lld",
                           (long long)rank->rank, (long long)layer, others[n], (long long)cut.begin,
                           (long long)cut.end - 1, (long long)columns.begin,
                           (long long)columns.end - 1);
        }
}

/* The columns that the members compute with, of a feed-forward that all tokens pass: those of the holdings that the
 * operation reads. */
static void check_group_columns(Check *check, const PlanStage *stage, const PlanGroup *group,
                                int64_t base, int64_t step, TensorKind up, const char *where) {
    Parts parts = {0};
    int64_t width, columns, layer = stage->layers.begin;
    while (layer < stage->layers.end && !model_has_in_layer(check->model, up, layer))
        ++layer;
    if (!model_has(check->model, up) || layer == stage->layers.end)
        return;
    if (up == TENSOR_SHARED_UP && check_serves_shared(check))
        return; /* routes lead to it */
    model_tensor_shape(check->model, up, &width, &columns);
    for (int64_t m = 0; m < group->members.count; ++m) {
        int64_t rank = base + group->members.items[m].rank;
        const RankSchedule *of = &check->schedule->ranks[rank];
        const Op *op = find_op(check, rank, step, OP_dense_ffn, up);
        for (int64_t i = 0; op && i < of->holdings.count; ++i) {
            const Holding *holding = &of->holdings.items[i];
            if (holding->buffer != check_arg(op, "up") || !range_has(holding->layers, layer))
                continue;
            add_part(check, &parts, holding->rows, rank);
            check_same_columns(check, of, op, layer, holding->rows);
        }
    }
    check_tiles(check, CHECK_DENSE, &parts, width, "column", where);
}

/* Either the members' entries tile the vocabulary, or every member has all. */
static void check_group_entries(Check *check, const PlanGroup *group, int64_t base, int64_t step,
                                OpKind kind, const char *where) {
    TensorKind tensor =
        kind == OP_embed || !model_has(check->model, TENSOR_HEAD) ? TENSOR_EMBEDDING : TENSOR_HEAD;
    int64_t all = check->model->vocabulary, whole = 0;
    Parts parts = {0};
    for (int64_t m = 0; m < group->members.count; ++m) {
        int64_t rank = base + group->members.items[m].rank;
        const Op *op = find_op(check, rank, step, kind, tensor);
        if (!op)
            continue;
        Range entries = arg_range(op, "entry_begin", "entries");
        whole += entries.begin == 0 && entries.end == all;
        add_part(check, &parts, entries, rank);
        /* A rank may hold entries of a tied embedding twice: to embed, and to score. */
        check_held_in(check, CHECK_VOCABULARY, rank,
                      check_arg(op, kind == OP_embed ? "table" : "weight"), tensor, (Range){0, 1},
                      entries, (Range){0, check->model->hidden});
    }
    if (whole == group->members.count)
        return;
    check_tiles(check, CHECK_VOCABULARY, &parts, all, "vocabulary entry", where);
}

/* Biases that ranks add to parts of a sum must be with one of them. */
static void check_single_bias(Check *check, const PlanGroup *group, int64_t base, TensorKind tensor,
                              const char *where) {
    int64_t holders = 0;
    for (int64_t m = 0; m < group->members.count; ++m) {
        const RankSchedule *rank = &check->schedule->ranks[base + group->members.items[m].rank];
        bool has = false;
        for (int64_t i = 0; i < rank->holdings.count; ++i)
            has = has || rank->holdings.items[i].tensor == (int64_t)tensor;
        holders += has;
    }
    check_count(check, CHECK_REDUCE, 1);
    if (holders != 1)
        check_fail(check, CHECK_REDUCE, NULL,
                   "%s: %lld members add %s to their part of a sum, one must", where,
                   (long long)holders, tensor_kind_names[tensor]);
}

static void check_ffn_biases(Check *check, const PlanStage *stage, const PlanGroup *group,
                             int64_t base, const char *where) {
    static const TensorKind biases[] = {TENSOR_DENSE_DOWN_BIAS, TENSOR_SHARED_DOWN_BIAS};
    for (int i = 0; i < 2; ++i) {
        int64_t layer = stage->layers.begin;
        while (layer < stage->layers.end && !model_has_in_layer(check->model, biases[i], layer))
            ++layer;
        if (model_has(check->model, biases[i]) && layer < stage->layers.end &&
            !(biases[i] == TENSOR_SHARED_DOWN_BIAS && check_serves_shared(check)))
            check_single_bias(check, group, base, biases[i], where);
    }
}

static bool splits(const Check *check, const PlanVocabulary *items, int64_t count,
                   const PlanGroup *group) {
    for (int64_t i = 0; i < count; ++i)
        if (items[i].rank == group->members.items[0].rank)
            return items[i].entries.begin != 0 || items[i].entries.end != check->model->vocabulary;
    return true;
}

/* The requests that each rank of a group takes up in a step: micro-batches tile those of the
 * group. */
static void check_group_requests(Check *check, const PlanGroup *group, int64_t base, int64_t step,
                                 const char *where) {
    int64_t first =
        base / check->plan->ranks_per_copy * plan_copy_batch(check->plan) + group->requests.begin;
    for (int64_t m = 0; m < group->members.count; ++m) {
        int64_t rank = base + group->members.items[m].rank;
        WalkCursor cursor = walk_begin(&check->schedule->ranks[rank], step);
        WalkItem item;
        Parts parts = {0};
        while (walk_next(&cursor, &item)) {
            const Op *op = check_op(check, rank, item.op);
            if (op->kind != OP_begin)
                continue;
            Range range = arg_range(op, "first", "sequences");
            add_part(check, &parts, (Range){range.begin - first, range.end - first}, rank);
            if (check_arg(op, "tokens") != check->plan->steps.items[step].tokens)
                check_fail(check, CHECK_REQUESTS, NULL,
                           "%s takes up %lld rows a sequence, not %lld",
                           check_where(check, rank, step, item), (long long)check_arg(op, "tokens"),
                           (long long)check->plan->steps.items[step].tokens);
        }
        check_tiles(check, CHECK_REQUESTS, &parts, range_length(group->requests),
                    "of the group, request", where);
    }
}

static void check_groups(Check *check, int64_t copy, const PlanStage *stage, bool first) {
    const Plan *plan = check->plan;
    int64_t base = copy * plan->ranks_per_copy;
    Parts requests = {0};
    for (int64_t g = 0; g < stage->attention.count; ++g) {
        const PlanGroup *group = &stage->attention.items[g];
        add_part(check, &requests, group->requests, base + group->members.items[0].rank);
        for (int64_t step = 0; step < plan->steps.count; ++step) {
            const char *where =
                arena_printf(check->scratch, "copy %lld, request group %lld, step %s",
                             (long long)copy, (long long)g, plan->steps.items[step].name);
            check_group_heads(check, stage, group, base, step, where);
            check_group_columns(check, stage, group, base, step, TENSOR_DENSE_UP, where);
            check_group_columns(check, stage, group, base, step, TENSOR_SHARED_UP, where);
            if (first) {
                check_group_requests(check, group, base, step, where);
                check_group_entries(check, group, base, step, OP_embed, where);
            }
            if (stage->layers.end == check->model->layers)
                check_group_entries(check, group, base, step, OP_head, where);
        }
        const char *where = arena_printf(check->scratch, "copy %lld, request group %lld",
                                         (long long)copy, (long long)g);
        if (check->model->output_bias)
            check_single_bias(check, group, base, TENSOR_OUTPUT_BIAS, where);
        check_ffn_biases(check, stage, group, base, where);
        if (first && check->model->position == POSITION_LEARNED &&
            splits(check, plan->embedding.items, plan->embedding.count, group))
            check_single_bias(check, group, base, TENSOR_POSITIONS, where);
    }
    check_tiles(check, CHECK_REQUESTS, &requests, plan_copy_batch(plan), "request",
                arena_printf(check->scratch, "copy %lld", (long long)copy));
}

/* Which rank reports the token of each sequence of a wave. */
static void check_results(Check *check, int64_t step) {
    Parts parts = {0};
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        WalkCursor cursor = walk_begin(&check->schedule->ranks[r], step);
        WalkItem item;
        while (walk_next(&cursor, &item)) {
            const Op *op = check_op(check, r, item.op);
            if (op->kind == OP_finish && check_arg(op, "report"))
                add_part(check, &parts, arg_range(op, "first", "sequences"), r);
        }
    }
    check_tiles(check, CHECK_RESULTS, &parts, check->plan->copies * plan_copy_batch(check->plan),
                "the result of sequence",
                arena_printf(check->scratch, "step %s", check->plan->steps.items[step].name));
}

void check_coverage(Check *check) {
    const Plan *plan = check->plan;
    for (int64_t copy = 0; copy < plan->copies; ++copy) {
        check_primaries(check, copy);
        for (int64_t s = 0; s < plan->stages.count; ++s)
            check_groups(check, copy, &plan->stages.items[s], s == 0);
    }
    for (int64_t step = 0; step < plan->steps.count; ++step)
        check_results(check, step);
}
