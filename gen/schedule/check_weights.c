/* check_weights: weights that operations read against what is loaded: of the right tensor,
 * whole, and each slice where operations look for it. */
#include "schedule/check_rules.h"

#include <stdlib.h>
#include <string.h>

/* --- weights by argument
 * ------------------------------------------------------------------------------ */

enum { WEIGHT_TENSORS = 7 };

static const struct {
    OpKind kind;
    const char *argument;
    int64_t tensors[WEIGHT_TENSORS]; /* ends with -1 */
} weight_arguments[] = {
    {OP_embed, "table", {TENSOR_EMBEDDING, -1}},
    {OP_embed, "position_table", {TENSOR_POSITIONS, -1}},
    {OP_rms_norm, "weight", {TENSOR_ATTENTION_NORM, TENSOR_FFN_NORM, TENSOR_FINAL_NORM, -1}},
    {OP_layer_norm, "weight", {TENSOR_ATTENTION_NORM, TENSOR_FFN_NORM, TENSOR_FINAL_NORM, -1}},
    {OP_layer_norm,
     "bias",
     {TENSOR_ATTENTION_NORM_BIAS, TENSOR_FFN_NORM_BIAS, TENSOR_FINAL_NORM_BIAS, -1}},
    {OP_linear,
     "weight",
     {TENSOR_QUERY, TENSOR_KEY, TENSOR_VALUE, TENSOR_OUTPUT, TENSOR_QUERY_DOWN, TENSOR_LATENT, -1}},
    {OP_head_norm, "query_weight", {TENSOR_QUERY_NORM, -1}},
    {OP_head_norm, "key_weight", {TENSOR_KEY_NORM, -1}},
    {OP_norm_scale, "query_weight", {TENSOR_QUERY_NORM, -1}},
    {OP_norm_scale, "key_weight", {TENSOR_KEY_NORM, -1}},
    {OP_latent_norm, "weight", {TENSOR_QUERY_LATENT_NORM, -1}},
    {OP_latent_append, "weight", {TENSOR_LATENT_NORM, -1}},
    {OP_latent_attention, "latent_up", {TENSOR_LATENT_UP, -1}},
    {OP_dense_ffn, "gate", {TENSOR_DENSE_GATE, TENSOR_SHARED_GATE, -1}},
    {OP_dense_ffn, "gate_bias", {TENSOR_DENSE_GATE_BIAS, TENSOR_SHARED_GATE_BIAS, -1}},
    {OP_dense_ffn, "up", {TENSOR_DENSE_UP, TENSOR_SHARED_UP, -1}},
    {OP_dense_ffn, "up_bias", {TENSOR_DENSE_UP_BIAS, TENSOR_SHARED_UP_BIAS, -1}},
    {OP_dense_ffn, "down", {TENSOR_DENSE_DOWN, TENSOR_SHARED_DOWN, -1}},
    {OP_dense_ffn, "down_bias", {TENSOR_DENSE_DOWN_BIAS, TENSOR_SHARED_DOWN_BIAS, -1}},
    {OP_linear,
     "bias",
     {TENSOR_QUERY_BIAS, TENSOR_KEY_BIAS, TENSOR_VALUE_BIAS, TENSOR_OUTPUT_BIAS, -1}},
    {OP_dense_ffn, "score", {TENSOR_KINDS, TENSOR_SHARED_SCORE, -1}} /* none in dense layers */,
    {OP_route, "weight", {TENSOR_ROUTER, -1}},
    {OP_route, "correction", {TENSOR_ROUTER_CORRECTION, -1}},
    {OP_route, "score", {TENSOR_SHARED_SCORE, -1}},
    {OP_head, "weight", {TENSOR_HEAD, TENSOR_EMBEDDING, -1}},
    {OP_expert_ffn, "gate", {TENSOR_EXPERT_GATE, TENSOR_SHARED_GATE, -1}},
    {OP_expert_ffn, "gate_bias", {TENSOR_EXPERT_GATE_BIAS, TENSOR_SHARED_GATE_BIAS, -1}},
    {OP_expert_ffn, "up", {TENSOR_EXPERT_UP, TENSOR_SHARED_UP, -1}},
    {OP_expert_ffn, "up_bias", {TENSOR_EXPERT_UP_BIAS, TENSOR_SHARED_UP_BIAS, -1}},
    {OP_expert_ffn, "down", {TENSOR_EXPERT_DOWN, TENSOR_SHARED_DOWN, -1}},
    {OP_expert_ffn, "down_bias", {TENSOR_EXPERT_DOWN_BIAS, TENSOR_SHARED_DOWN_BIAS, -1}},
};

int64_t check_weight_tensor(const Op *op, const char *argument, int n) {
    for (size_t i = 0; i < sizeof weight_arguments / sizeof *weight_arguments; ++i)
        if ((int64_t)weight_arguments[i].kind == op->kind &&
            strcmp(weight_arguments[i].argument, argument) == 0)
            return weight_arguments[i].tensors[n];
    return -1;
}

/* Is all that a buffer holds of a kind that the argument may take? */
static bool right_tensors(const RankSchedule *rank, const Op *op, int arg) {
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        bool found = holding->buffer != op->args[arg].value;
        for (int n = 0; !found; ++n) {
            int64_t tensor = check_weight_tensor(op, op_info[op->kind].args[arg].name, n);
            if (tensor < 0)
                return false;
            found = tensor == holding->tensor;
        }
    }
    return true;
}

/* Which of the tensors that an argument may take the buffer holds: norms, projections and feed-forwards are told apart
 * by it. -1: nothing is loaded there. */
static int family_of(const RankSchedule *rank, const Op *op, int arg) {
    const char *name = op_info[op->kind].args[arg].name;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        for (int n = 0; holding->buffer == op->args[arg].value; ++n) {
            int64_t tensor = check_weight_tensor(op, name, n);
            if (tensor == holding->tensor)
                return n;
            if (tensor < 0)
                break; /* another tensor: right_tensors refuses it */
        }
    }
    return -1;
}

/* Weights of an operation belong together, and none is left out that the model has. */
static void check_family(Check *check, int64_t rank, int64_t step, int64_t id) {
    const RankSchedule *of = &check->schedule->ranks[rank];
    const Op *op = check_op(check, rank, id);
    const OpArg *args = op_info[op->kind].args;
    int family = -1;
    for (int a = 0; family < 0 && a < OP_ARGS && args[a].type != ARG_NONE; ++a)
        if (op->args[a].value >= 0 && check_weight_tensor(op, args[a].name, 0) >= 0)
            family = family_of(of, op, a);
    if (op->kind == OP_head && family >= 0 && family != !model_has(check->model, TENSOR_HEAD))
        check_fail(check, CHECK_LOADED, NULL,
                   "%s takes the weights of the embedding, or the reverse",
                   check_where(check, rank, step, (WalkItem){id, -1}));
    for (int a = 0; family >= 0 && a < OP_ARGS && args[a].type != ARG_NONE; ++a) {
        int64_t tensor = check_weight_tensor(op, args[a].name, 0);
        for (int n = 1; tensor >= 0 && n <= family; ++n)
            tensor = check_weight_tensor(op, args[a].name, n);
        bool absent = op->args[a].value < 0;
        if (check_weight_tensor(op, args[a].name, 0) < 0)
            continue;
        if (op->kind == OP_route && tensor == TENSOR_SHARED_SCORE && !check_serves_shared(check)) {
            if (!absent)
                check_fail(check, CHECK_LOADED, NULL, "%s takes %s, of what it routes nothing to",
                           check_where(check, rank, step, (WalkItem){id, -1}), args[a].name);
            continue;
        }
        if (absent && tensor >= 0 && model_has(check->model, (TensorKind)tensor))
            check_fail(check, CHECK_LOADED, NULL, "%s lacks %s, which the model has",
                       check_where(check, rank, step, (WalkItem){id, -1}), args[a].name);
        if (!absent && family_of(of, op, a) >= 0 && family_of(of, op, a) != family)
            check_fail(check, CHECK_LOADED, NULL, "%s takes %s of another than its other weights",
                       check_where(check, rank, step, (WalkItem){id, -1}), args[a].name);
    }
}

/* --- weights that are loaded
 * -------------------------------------------------------------------------- */

/* Bytes of [begin, end) of a buffer's copy for a layer that holdings fill: the same up to layer `*until`. */
static int64_t filled_bytes(const RankSchedule *rank, int64_t buffer, int64_t layer, int64_t begin,
                            int64_t end, int64_t *until) {
    int64_t bytes = 0;
    *until = INT64_MAX;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *h = &rank->holdings.items[i];
        if (h->buffer != buffer)
            continue;
        int64_t edge = layer < h->layers.begin ? h->layers.begin : h->layers.end;
        *until = edge > layer && edge < *until ? edge : *until;
        if (layer >= 0 && !range_has(h->layers, layer))
            continue;
        int64_t width = h->columns.end - h->columns.begin;
        int64_t size = (h->rows.end - h->rows.begin) * width * element_bytes(h->type);
        int64_t from = h->delta > begin ? h->delta : begin;
        int64_t to = h->delta + size < end ? h->delta + size : end;
        bytes += to > from ? to - from : 0;
    }
    return bytes;
}

/* Zero where nothing is loaded: a bias that another member adds, all of it. */
static bool may_be_unfilled(const Op *op, const char *argument) {
    return (op->kind == OP_dense_ffn && strcmp(argument, "down_bias") == 0) ||
           (op->kind == OP_linear && strcmp(argument, "bias") == 0) ||
           strcmp(argument, "position_table") == 0;
}

static void check_weight(Check *check, int64_t rank, int64_t step, int64_t id, int arg,
                         Range layers) {
    const Op *op = check_op(check, rank, id);
    const OpArg *info = &op_info[op->kind].args[arg];
    if (info->type == ARG_INT || op->args[arg].value < 0)
        return;
    const RankSchedule *of = &check->schedule->ranks[rank];
    if (of->buffers.items[op->args[arg].value].class != BUFFER_WEIGHT)
        return;
    check_count(check, CHECK_LOADED, 1);
    if (info->type != ARG_READ)
        check_fail(check, CHECK_LOADED, NULL, "%s writes into weights",
                   check_where(check, rank, step, (WalkItem){id, -1}));
    if (!right_tensors(of, op, arg))
        check_fail(check, CHECK_LOADED, NULL, "%s takes %s for %s",
                   check_where(check, rank, step, (WalkItem){id, -1}),
                   of->buffers.items[op->args[arg].value].name, info->name);
    int64_t begin = op->args[arg].delta;
    int64_t end = begin + check_argument_bytes(check, rank, step, op, arg);
    if (op->kind == OP_expert_ffn)
        return; /* slots may be narrower than the widest: coverage.routes looks into each */
    for (int64_t layer = layers.begin, until;
         layer<layers.end; layer = until> layer ? until : layer + 1) {
        int64_t filled =
            filled_bytes(of, op->args[arg].value, op->per_layer ? layer : -1, begin, end, &until);
        if (filled == end - begin || (filled == 0 && may_be_unfilled(op, info->name)))
            continue;
        check_fail(check, CHECK_LOADED, NULL,
                   "%s reads %lld bytes of %s, of which %lld are loaded from the model",
                   check_where(check, rank, step, (WalkItem){id, op->per_layer ? layer : -1}),
                   (long long)(end - begin), info->name, (long long)filled);
        return;
    }
}

/* --- layout
 * ------------------------------------------------------------------------------------------- */

/* Bytes into a layer's copy of the buffer at which a slice must begin. Slices of one buffer lie
 * one below the other in order of tensor and row, without gaps; parts of experts by slot, which
 * the widest slot pads. */
static int64_t place_of_slice(const Check *check, const RankSchedule *rank, const Holding *slice) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *other = &rank->holdings.items[i];
        if (other->buffer != slice->buffer || other->layers.begin > slice->layers.begin ||
            other->layers.end <= slice->layers.begin)
            continue;
        if (other->tensor < slice->tensor ||
            (other->tensor == slice->tensor && other->rows.begin < slice->rows.begin))
            bytes += (other->rows.end - other->rows.begin) *
                     (other->columns.end - other->columns.begin) * element_bytes(other->type);
    }
    return bytes;
}

static bool is_layer_slot(const Holding *up, const Holding *slice) {
    Range cut = slice->tensor == TENSOR_EXPERT_DOWN ? slice->columns : slice->rows;
    return up->tensor == TENSOR_EXPERT_UP && up->expert == slice->expert &&
           up->layers.begin <= slice->layers.begin && slice->layers.end <= up->layers.end &&
           (slice->tensor == TENSOR_EXPERT_DOWN_BIAS || up->rows.begin == cut.begin);
}

static int64_t widest_slot(const RankSchedule *rank) {
    int64_t widest = 0;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *holding = &rank->holdings.items[i];
        int64_t width = holding->rows.end - holding->rows.begin;
        if (holding->tensor == TENSOR_EXPERT_UP && width > widest)
            widest = width;
    }
    return widest;
}

/* The slice of an expert tensor lies in the slot that the up matrix of the part has. */
static bool expert_slice_is_placed(const Check *check, const RankSchedule *rank,
                                   const Holding *slice) {
    int64_t hidden = check->model->hidden, width = widest_slot(rank), element = check->element;
    bool vector = slice->tensor != TENSOR_EXPERT_GATE && slice->tensor != TENSOR_EXPERT_UP &&
                  slice->tensor != TENSOR_EXPERT_DOWN;
    int64_t rows = slice->tensor == TENSOR_EXPERT_DOWN || slice->tensor == TENSOR_EXPERT_DOWN_BIAS
                       ? hidden
                       : width;
    int64_t pitch = vector ? 1 : slice->tensor == TENSOR_EXPERT_DOWN ? width : hidden;
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *up = &rank->holdings.items[i];
        if (!is_layer_slot(up, slice))
            continue;
        int64_t slot = up->delta / (width * hidden * element);
        return up->delta % (width * hidden * element) == 0 && slice->pitch == pitch &&
               slice->delta == slot * rows * pitch * element;
    }
    return false;
}

static int by_slice(const void *a, const void *b) {
    const Holding *x = *(const Holding *const *)a, *y = *(const Holding *const *)b;
    const int64_t left[] = {x->buffer,       x->tensor,     x->expert,
                            x->layers.begin, x->rows.begin, x->columns.begin};
    const int64_t right[] = {y->buffer,       y->tensor,     y->expert,
                             y->layers.begin, y->rows.begin, y->columns.begin};
    for (size_t i = 0; i < sizeof left / sizeof *left; ++i)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

/* A slice that a buffer has twice would be loaded twice, and one of them never read. */
static void check_doubled(Check *check, const RankSchedule *rank) {
    int64_t count = rank->holdings.count;
    ArenaMark mark = arena_mark(check->scratch);
    const Holding **slices = ARENA_ARRAY(check->scratch, count + 1, const Holding *);
    for (int64_t i = 0; i < count; ++i)
        slices[i] = &rank->holdings.items[i];
    qsort(slices, (size_t)count, sizeof *slices, by_slice);
    for (int64_t i = 1; i < count; ++i) {
        const Holding *a = slices[i - 1], *b = slices[i];
        if (a->buffer == b->buffer && a->tensor == b->tensor && a->expert == b->expert &&
            range_overlap(a->layers, b->layers) && range_overlap(a->rows, b->rows) &&
            range_overlap(a->columns, b->columns))
            check_fail(check, CHECK_LAYOUT, NULL,
                       "rank %lld: row %lld of %s%s is held twice in layer %lld",
                       (long long)rank->rank, (long long)b->rows.begin,
                       tensor_kind_names[b->tensor], b->expert >= 0 ? " of an expert" : "",
                       (long long)b->layers.begin);
    }
    arena_rewind(check->scratch, mark);
}

static void check_layout(Check *check, const RankSchedule *rank) {
    for (int64_t i = 0; i < rank->holdings.count; ++i) {
        const Holding *slice = &rank->holdings.items[i];
        const Buffer *buffer = &rank->buffers.items[slice->buffer];
        int64_t width = slice->columns.end - slice->columns.begin;
        int64_t rows = slice->rows.end - slice->rows.begin;
        int64_t type = tensor_kind_is_float32((TensorKind)slice->tensor)
                           ? ELEMENT_F32
                           : check->plan->inputs.workload.dtype;
        int64_t end =
            slice->delta + ((rows - 1) * slice->pitch + width) * element_bytes(slice->type);
        bool placed = slice->expert >= 0 ? expert_slice_is_placed(check, rank, slice)
                                         : slice->pitch == width &&
                                               slice->delta == place_of_slice(check, rank, slice);
        check_count(check, CHECK_LAYOUT, 1);
        if (placed && slice->delta >= 0 && end <= buffer->bytes && slice->type == type &&
            buffer->class == BUFFER_WEIGHT &&
            buffer->per_layer == tensor_kind_per_layer((TensorKind)slice->tensor) &&
            slice->layers.begin >= buffer->first_layer &&
            slice->layers.end <= buffer->first_layer + buffer->layers)
            continue;
        check_fail(check, CHECK_LAYOUT, NULL,
                   "rank %lld: rows %lld-%lld of %s%s lie at byte %lld of %s, %lld elements a row, "
                   "which is not where they are read",
                   (long long)rank->rank, (long long)slice->rows.begin,
                   (long long)slice->rows.end - 1, tensor_kind_names[slice->tensor],
                   slice->expert >= 0 ? " of an expert" : "", (long long)slice->delta, buffer->name,
                   (long long)slice->pitch);
    }
}

static void check_segment(Check *check, int64_t rank, int64_t step, const Segment *segment) {
    for (int64_t i = segment->first; i < segment->first + segment->count; ++i) {
        const Op *op = check_op(check, rank, i);
        Range layers = {segment->layers.begin - op->lag, segment->layers.end - op->lag};
        if (!op->per_layer)
            layers = (Range){0, 1};
        for (int a = 0; a < OP_ARGS && op_info[op->kind].args[a].type != ARG_NONE; ++a)
            check_weight(check, rank, step, i, a, layers);
        check_family(check, rank, step, i);
    }
}

void check_weights(Check *check) {
    for (int64_t r = 0; r < check->schedule->world; ++r) {
        const RankSchedule *rank = &check->schedule->ranks[r];
        check_layout(check, rank);
        check_doubled(check, rank);
        for (int64_t s = 0; s < check->plan->steps.count; ++s)
            for (int64_t g = 0; g < rank->steps[s].segments.count; ++g)
                check_segment(check, r, s, &rank->steps[s].segments.items[g]);
    }
}
