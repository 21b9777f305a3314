/* check_tensors: every element of every tensor once as primary in every copy. Holdings are boxes of layers x rows x
 * columns; layers that do not have a tensor are passed over. */
#include "schedule/check_rules.h"

typedef LIST_OF(const Holding *) Holdings;

CheckRuleId check_tensor_rule(int64_t tensor) {
    switch ((TensorKind)tensor) {
    case TENSOR_QUERY:
    case TENSOR_QUERY_BIAS:
    case TENSOR_OUTPUT:
        return CHECK_HEADS;
    case TENSOR_KEY:
    case TENSOR_KEY_BIAS:
    case TENSOR_VALUE:
    case TENSOR_VALUE_BIAS:
        return CHECK_KV_HEADS;
    case TENSOR_EMBEDDING:
    case TENSOR_HEAD:
        return CHECK_VOCABULARY;
    case TENSOR_LATENT_UP:
        return CHECK_KV_HEADS;
    default:
        if (tensor >= TENSOR_DENSE_GATE && tensor <= TENSOR_SHARED_DOWN_BIAS)
            return CHECK_DENSE;
        return tensor_kind_per_expert((TensorKind)tensor) ? CHECK_EXPERTS : CHECK_TENSORS;
    }
}

/* A layer, row and column that no box covers: one exists among the corners that ends of boxes
 * make. Layers that do not have the tensor are passed over. */
static bool find_gap(const Model *model, TensorKind tensor, const Holdings *boxes, int64_t gap[3],
                     const int64_t whole[3]) {
    for (gap[0] = 0; gap[0] < whole[0]; ++gap[0]) {
        if (tensor_kind_per_layer(tensor) && !model_has_in_layer(model, tensor, gap[0]))
            continue;
        for (int64_t r = -1; r < boxes->count; ++r) {
            gap[1] = r < 0 ? 0 : boxes->items[r]->rows.end;
            for (int64_t c = -1; gap[1] < whole[1] && c < boxes->count; ++c) {
                gap[2] = c < 0 ? 0 : boxes->items[c]->columns.end;
                bool covered = gap[2] >= whole[2];
                for (int64_t i = 0; !covered && i < boxes->count; ++i)
                    covered = range_has(boxes->items[i]->layers, gap[0]) &&
                              range_has(boxes->items[i]->rows, gap[1]) &&
                              range_has(boxes->items[i]->columns, gap[2]);
                if (!covered)
                    return true;
            }
        }
    }
    return false;
}

static const char *tensor_label(Check *check, int64_t tensor, int64_t expert) {
    if (expert < 0)
        return tensor_kind_names[tensor];
    return arena_printf(check->scratch, "%s of expert %lld", tensor_kind_names[tensor],
                        (long long)expert);
}

/* Which head a row or column belongs to, for who edits heads; "" for other tensors. */
static const char *head_label(Check *check, int64_t tensor, const int64_t at[3]) {
    CheckRuleId rule = check_tensor_rule(tensor);
    if (rule != CHECK_HEADS && rule != CHECK_KV_HEADS)
        return "";
    const Model *model = check->model;
    int64_t element = (TensorKind)tensor == TENSOR_OUTPUT ? at[2] : at[1];
    int64_t size = (TensorKind)tensor == TENSOR_OUTPUT ? model->value_dim
                   : (TensorKind)tensor == TENSOR_LATENT_UP
                       ? model_plain_dim(model) + model->value_dim
                       : model->head_dim;
    return arena_printf(check->scratch, ": %s %lld",
                        rule == CHECK_HEADS ? "query head" : "key-value head",
                        (long long)(element / size));
}

static void check_boxes(Check *check, const Holdings *boxes, int64_t tensor, int64_t expert,
                        int64_t copy) {
    CheckRuleId rule = check_tensor_rule(tensor);
    const char *label = tensor_label(check, tensor, expert);
    int64_t whole[3] = {tensor_kind_per_layer((TensorKind)tensor) ? check->model->layers : 1};
    model_tensor_shape(check->model, (TensorKind)tensor, &whole[1], &whole[2]);
    int64_t volume = 0, layers = 0;
    for (int64_t layer = 0; layer < whole[0]; ++layer)
        layers += !tensor_kind_per_layer((TensorKind)tensor) ||
                  model_has_in_layer(check->model, (TensorKind)tensor, layer);
    for (int64_t i = 0; i < boxes->count; ++i) {
        const Holding *a = boxes->items[i];
        volume += range_length(a->layers) * range_length(a->rows) * range_length(a->columns);
        for (int64_t k = 0; k < i; ++k) {
            const Holding *b = boxes->items[k];
            if (!range_overlap(a->layers, b->layers) || !range_overlap(a->rows, b->rows) ||
                !range_overlap(a->columns, b->columns))
                continue;
            check_fail(check, rule, NULL,
                       "copy %lld: %s is primary on rank %lld and on rank %lld (layers %lld-%lld "
                       "and %lld-%lld)",
                       (long long)copy, label, (long long)b->rank, (long long)a->rank,
                       (long long)b->layers.begin, (long long)b->layers.end - 1,
                       (long long)a->layers.begin, (long long)a->layers.end - 1);
            return;
        }
    }
    check_count(check, rule, boxes->count);
    int64_t gap[3];
    if (volume == layers * whole[1] * whole[2] ||
        !find_gap(check->model, (TensorKind)tensor, boxes, gap, whole))
        return;
    check_fail(check, rule, NULL,
               "copy %lld: no rank holds row %lld, column %lld of %s in layer %lld as primary%s",
               (long long)copy, (long long)gap[1], (long long)gap[2], label, (long long)gap[0],
               head_label(check, tensor, gap));
}

/* All primaries of a copy, by tensor and expert. */
void check_primaries(Check *check, int64_t copy) {
    int64_t experts = check->model->experts, width = experts + 1;
    int64_t first = copy * check->plan->ranks_per_copy;
    ArenaMark mark = arena_mark(check->scratch);
    Holdings *cells = ARENA_ARRAY(check->scratch, TENSOR_KINDS * width, Holdings);
    for (int64_t r = first; r < first + check->plan->ranks_per_copy; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        for (int64_t i = 0; i < rank->holdings.count; ++i) {
            const Holding *holding = &rank->holdings.items[i];
            if (holding->primary && holding->expert < experts)
                *(const Holding **)LIST_PUSH(
                    check->scratch, &cells[holding->tensor * width + holding->expert + 1]) =
                    holding;
        }
    }
    for (int64_t i = 0; i < check->model->tensors.count; ++i) {
        int64_t kind = check->model->tensors.items[i].kind;
        bool per_expert = tensor_kind_per_expert((TensorKind)kind);
        for (int64_t e = per_expert ? 0 : -1; e < (per_expert ? experts : 0); ++e)
            check_boxes(check, &cells[kind * width + e + 1], kind, e, copy);
    }
    arena_rewind(check->scratch, mark);
}
