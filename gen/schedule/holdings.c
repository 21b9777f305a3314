/* holdings: which slice of which tensor lies where on a rank. Makes the weight buffers, the holdings and the
 * KV cache. A buffer whose holdings leave bytes out (a bias that only one member adds, columns that a
 * narrower slot lacks) relies on the slab being zero where nothing is loaded. */
#include "schedule/lower.h"

#include <stdlib.h>
#include <string.h>

/* A slice to be held: tensor, expert, rows and columns of the tensor, and where it goes. */
typedef struct Slice {
    TensorKind tensor;
    int64_t expert;
    Range layers, rows, columns;
    int64_t buffer, delta, pitch;
    bool primary;
} Slice;

static void hold_layers(LowerRank *at, const Slice *slice, Range layers) {
    Lower *lower = at->lower;
    int64_t dtype = lower->plan->inputs.workload.dtype;
    *(Holding *)LIST_PUSH(lower->arena, &at->rank->holdings) =
        (Holding){.rank = at->place->rank,
                  .tensor = slice->tensor,
                  .layers = layers,
                  .expert = slice->expert,
                  .rows = slice->rows,
                  .columns = slice->columns,
                  .primary = slice->primary,
                  .buffer = slice->buffer,
                  .delta = slice->delta,
                  .pitch = slice->pitch,
                  .type = tensor_kind_is_float32((TensorKind)slice->tensor) ? ELEMENT_F32 : dtype};
}

/* One holding for each run of layers that have the tensor. */
static void hold(LowerRank *at, const Slice *slice) {
    const Model *model = at->lower->model;
    if (slice->rows.end <= slice->rows.begin || slice->columns.end <= slice->columns.begin)
        return;
    if (!tensor_kind_per_layer(slice->tensor)) {
        hold_layers(at, slice, slice->layers);
        return;
    }
    for (Range run = {slice->layers.begin, 0}; run.begin < slice->layers.end; run.begin = run.end) {
        bool has = model_has_in_layer(model, slice->tensor, run.begin);
        run.end = run.begin + 1;
        while (run.end < slice->layers.end &&
               model_has_in_layer(model, slice->tensor, run.end) == has)
            ++run.end;
        if (has)
            hold_layers(at, slice, run);
    }
}

static const char *weight_shape(LowerRank *at, const char *type, int64_t rows, int64_t columns) {
    return columns == 1 ? arena_printf(at->lower->arena, "%s [%lld]", type, (long long)rows)
                        : arena_printf(at->lower->arena, "%s [%lld][%lld]", type, (long long)rows,
                                       (long long)columns);
}

/* From the first to past the last layer of the stage that has the tensor; [0, 1) where the kind is not per layer. */
static Range layers_of(const LowerRank *at, TensorKind tensor) {
    Range stage = at->place->layers, found = {0, 1};
    bool any = false;
    for (int64_t layer = stage.begin; tensor_kind_per_layer(tensor) && layer < stage.end; ++layer) {
        if (!model_has_in_layer(at->lower->model, tensor, layer))
            continue;
        found.begin = any ? found.begin : layer;
        found.end = layer + 1;
        any = true;
    }
    return found;
}

/* A buffer for a tensor's elements, with a copy for each layer that has it. */
static int64_t tensor_buffer(LowerRank *at, const char *name, TensorKind tensor, int64_t rows,
                             int64_t columns) {
    bool single = tensor_kind_is_float32(tensor);
    const char *type = single ? "f32" : element_names[at->lower->plan->inputs.workload.dtype];
    const char *shape = weight_shape(at, type, rows, columns);
    int64_t bytes = rows * columns * (single ? 4 : at->lower->element);
    if (!tensor_kind_per_layer(tensor))
        return lower_persistent(at, name, BUFFER_WEIGHT, shape, bytes, false);
    return lower_persistent_layers(at, name, BUFFER_WEIGHT, shape, bytes, layers_of(at, tensor));
}

/* A tensor held whole: primary on the first member of the copy's first group. */
static void hold_whole(LowerRank *at, const char *name, TensorKind tensor, bool held) {
    int64_t rows, columns;
    model_tensor_shape(at->lower->model, tensor, &rows, &columns);
    int64_t buffer = tensor_buffer(at, name, tensor, rows, columns);
    if (held)
        hold(at, &(Slice){.tensor = tensor,
                          .expert = -1,
                          .layers = layers_of(at, tensor),
                          .rows = {0, rows},
                          .columns = {0, columns},
                          .buffer = buffer,
                          .pitch = columns,
                          .primary = at->place->first_group && at->place->member == 0});
}

static void hold_norm(LowerRank *at, const char *name, TensorKind weight, TensorKind bias) {
    hold_whole(at, name, weight, true);
    if (model_has(at->lower->model, bias))
        hold_whole(at, arena_printf(at->lower->arena, "%s_bias", name), bias, true);
}

/* Rows of key heads, `size` a head. A head that the previous member holds too is a copy here. */
static void hold_key_rows(LowerRank *at, Slice slice, int64_t size) {
    const Place *place = at->place;
    int64_t share = at->lower->model->heads / at->lower->model->kv_heads, base = slice.delta;
    int64_t split = place->kv.begin + (place->heads.begin % share != 0);
    slice.rows = (Range){place->kv.begin * size, split * size};
    slice.primary = false;
    hold(at, &slice);
    slice.rows = (Range){split * size, place->kv.end * size};
    slice.delta = base + (split - place->kv.begin) * size * slice.pitch * at->lower->element;
    slice.primary = place->first_group;
    hold(at, &slice);
}

/* Query, key and value rows of the local heads, one below the other. A key-value head that the previous
 * member holds too is a copy here. */
static void hold_qkv(LowerRank *at, const char *name, int64_t columns, TensorKind query,
                     TensorKind key, TensorKind value) {
    const Place *place = at->place;
    const Model *model = at->lower->model;
    int64_t size = model->head_dim, heads = place->heads.end - place->heads.begin;
    int64_t kv = place->kv.end - place->kv.begin, row_bytes = columns * at->lower->element;
    int64_t buffer = tensor_buffer(at, name, query, (heads + 2 * kv) * size, columns);
    Slice slice = {.expert = -1,
                   .layers = at->place->layers,
                   .columns = {0, columns},
                   .buffer = buffer,
                   .pitch = columns};
    slice.tensor = query;
    slice.rows = (Range){place->heads.begin * size, place->heads.end * size};
    slice.primary = place->first_group;
    hold(at, &slice);
    TensorKind kinds[2] = {key, value};
    for (int i = 0; i < 2; ++i) {
        slice.tensor = kinds[i];
        slice.delta = (heads + i * kv) * size * row_bytes;
        hold_key_rows(at, slice, size);
    }
}

static void hold_vocabulary(LowerRank *at, const char *name, TensorKind tensor, Range entries,
                            bool split, bool primary_allowed) {
    const Place *place = at->place;
    int64_t hidden = at->lower->model->hidden, count = entries.end - entries.begin;
    int64_t buffer = tensor_buffer(at, name, tensor, count, hidden);
    hold(at, &(Slice){.tensor = tensor,
                      .expert = -1,
                      .layers = {0, 1},
                      .rows = entries,
                      .columns = {0, hidden},
                      .buffer = buffer,
                      .pitch = hidden,
                      .primary =
                          primary_allowed && place->first_group && (split || place->member == 0)});
}

static void hold_output(LowerRank *at) {
    const Place *place = at->place;
    const Model *model = at->lower->model;
    int64_t size = model->value_dim;
    Range columns = {place->heads.begin * size, place->heads.end * size};
    int64_t width = columns.end - columns.begin;
    int64_t buffer = tensor_buffer(at, "output", TENSOR_OUTPUT, model->hidden, width);
    hold(at, &(Slice){.tensor = TENSOR_OUTPUT,
                      .expert = -1,
                      .layers = place->layers,
                      .rows = {0, model->hidden},
                      .columns = columns,
                      .buffer = buffer,
                      .pitch = width,
                      .primary = place->first_group});
    if (model->output_bias) /* added once: by the first member, zero in the others */
        hold_whole(at, "output_bias", TENSOR_OUTPUT_BIAS, place->member == 0);
}

static void hold_embedding(LowerRank *at) {
    const Place *place = at->place;
    hold_vocabulary(at, "embedding", TENSOR_EMBEDDING, place->embedding, place->embedding_split,
                    true);
    if (at->lower->model->position == POSITION_LEARNED) /* of partial sums, added by one member */
        hold_whole(at, "positions", TENSOR_POSITIONS,
                   !place->embedding_split || place->member == 0);
}

/* Tied embeddings: the head reads the embedding where this rank holds the entries. Without the first stage
 * among its ranks the copy has the embedding's primary there. */
static void hold_head(LowerRank *at) {
    const Place *place = at->place;
    bool tied = at->lower->model->tie_embeddings;
    hold_norm(at, "final_norm", TENSOR_FINAL_NORM, TENSOR_FINAL_NORM_BIAS);
    bool shared = tied && place->embedding.begin <= place->head.begin &&
                  place->embedding.end >= place->head.end;
    if (!shared)
        hold_vocabulary(at, "head", tied ? TENSOR_EMBEDDING : TENSOR_HEAD, place->head,
                        place->head_split, !tied);
}

/* Rows of the local heads, `size` rows a head. */
static void hold_head_rows(LowerRank *at, const char *name, TensorKind tensor, int64_t size) {
    const Place *place = at->place;
    int64_t all, columns, heads = place->heads.end - place->heads.begin;
    model_tensor_shape(at->lower->model, tensor, &all, &columns);
    int64_t buffer = tensor_buffer(at, name, tensor, heads * size, columns);
    hold(at, &(Slice){.tensor = tensor,
                      .expert = -1,
                      .layers = place->layers,
                      .rows = {place->heads.begin * size, place->heads.end * size},
                      .columns = {0, columns},
                      .buffer = buffer,
                      .pitch = columns,
                      .primary = place->first_group});
}

/* Every member makes the latents of all rows; what is made of them is cut by heads. */
static void hold_latent(LowerRank *at) {
    const Model *model = at->lower->model;
    if (model->q_latent) {
        hold_whole(at, "query_down", TENSOR_QUERY_DOWN, true);
        hold_whole(at, "query_latent_norm", TENSOR_QUERY_LATENT_NORM, true);
    }
    hold_head_rows(at, "query", TENSOR_QUERY, model->head_dim);
    hold_whole(at, "latent", TENSOR_LATENT, true);
    hold_whole(at, "latent_norm", TENSOR_LATENT_NORM, true);
    hold_head_rows(at, "latent_up", TENSOR_LATENT_UP, model_plain_dim(model) + model->value_dim);
}

typedef LIST_OF(Range) RangeList;

/* Matrices of a feed-forward that all tokens pass: the columns held here, in runs of layers. */
static void hold_ffn(LowerRank *at, const char *kind, TensorKind gate, Range columns,
                     const RangeList *runs, bool primary) {
    static const struct {
        const char *name;
        bool cut_rows, cut_columns;
    } matrices[] = {{"gate", true, false}, {"gate_bias", true, false},
                    {"up", true, false},   {"up_bias", true, false},
                    {"down", false, true}, {"down_bias", false, false}};
    const Model *model = at->lower->model;
    for (int i = 0; columns.begin < columns.end && i < 6; ++i) {
        TensorKind tensor = gate + i;
        int64_t all_rows, all_columns;
        if (!model_has(model, tensor))
            continue;
        model_tensor_shape(model, tensor, &all_rows, &all_columns);
        Range rows = matrices[i].cut_rows ? columns : (Range){0, all_rows};
        Range cut = matrices[i].cut_columns ? columns : (Range){0, all_columns};
        int64_t width = cut.end - cut.begin;
        const char *name = arena_printf(at->lower->arena, "%s_%s", kind, matrices[i].name);
        int64_t buffer = tensor_buffer(at, name, tensor, rows.end - rows.begin, width);
        bool once = !matrices[i].cut_rows && !matrices[i].cut_columns; /* of a sum */
        for (int64_t r = 0; r < runs->count && (!once || columns.begin == 0); ++r)
            hold(at, &(Slice){.tensor = tensor,
                              .expert = -1,
                              .layers = runs->items[r],
                              .rows = rows,
                              .columns = cut,
                              .buffer = buffer,
                              .pitch = width,
                              .primary = primary});
    }
}

/* Norms of queries and keys: the same for all heads, or a weight an element of each. */
static void hold_head_norms(LowerRank *at) {
    const Place *place = at->place;
    const Model *model = at->lower->model;
    if (model->qk_norm == QK_NORM_HEAD) {
        hold_whole(at, "query_norm", TENSOR_QUERY_NORM, true);
        hold_whole(at, "key_norm", TENSOR_KEY_NORM, true);
    } else if (model->qk_norm == QK_NORM_FULL) {
        hold_head_rows(at, "query_norm", TENSOR_QUERY_NORM, model->head_dim);
        int64_t rows = (place->kv.end - place->kv.begin) * model->head_dim;
        hold_key_rows(at,
                      (Slice){.tensor = TENSOR_KEY_NORM,
                              .expert = -1,
                              .layers = place->layers,
                              .columns = {0, 1},
                              .buffer = tensor_buffer(at, "key_norm", TENSOR_KEY_NORM, rows, 1),
                              .pitch = 1},
                      model->head_dim);
    }
}

static void hold_attention(LowerRank *at) {
    const Model *model = at->lower->model;
    if (at->place->first_stage)
        hold_embedding(at);
    hold_norm(at, "attention_norm", TENSOR_ATTENTION_NORM, TENSOR_ATTENTION_NORM_BIAS);
    if (model_is_latent(model))
        hold_latent(at);
    else
        hold_qkv(at, "qkv", model->hidden, TENSOR_QUERY, TENSOR_KEY, TENSOR_VALUE);
    hold_head_norms(at);
    if (model->attention_bias)
        hold_qkv(at, "qkv_bias", 1, TENSOR_QUERY_BIAS, TENSOR_KEY_BIAS, TENSOR_VALUE_BIAS);
    hold_output(at);
    hold_norm(at, "ffn_norm", TENSOR_FFN_NORM, TENSOR_FFN_NORM_BIAS);
    Range dense = layers_of(at, TENSOR_DENSE_UP), shared = layers_of(at, TENSOR_SHARED_UP);
    hold_ffn(at, "dense", TENSOR_DENSE_GATE, at->place->dense, &(RangeList){&dense, 1, 1},
             at->place->first_group);
    if (at->lower->plan->stages.items[at->place->stage].experts.count) {
        if (lower_shares(at))
            hold_ffn(at, "shared", TENSOR_SHARED_GATE, at->place->shared,
                     &(RangeList){&shared, 1, 1}, at->place->first_group);
        if (model->shared_score)
            hold_whole(at, "shared_score", TENSOR_SHARED_SCORE, true);
        hold_whole(at, "router", TENSOR_ROUTER, true);
        if (model->router_correction)
            hold_whole(at, "router_correction", TENSOR_ROUTER_CORRECTION, true);
    }
    if (at->place->last_stage)
        hold_head(at);
}

static void hold_cache(LowerRank *at) {
    const Place *place = at->place;
    Lower *lower = at->lower;
    int64_t requests = place->group->requests.end - place->group->requests.begin;
    int64_t context = lower->plan->inputs.workload.context, kv = place->kv.end - place->kv.begin;
    if (model_is_latent(lower->model)) {
        int64_t entry = model_latent_dim(lower->model);
        const char *latents =
            arena_printf(lower->arena, "%s [%lld][%lld][%lld]",
                         element_names[lower->plan->inputs.workload.dtype], (long long)requests,
                         (long long)context, (long long)entry);
        lower_persistent(at, "latents", BUFFER_STATE, latents,
                         requests * context * entry * lower->element, true);
        return;
    }
    int64_t bytes = requests * context * kv * lower->model->head_dim * lower->element;
    const char *shape =
        arena_printf(lower->arena, "%s [%lld][%lld][%lld][%lld]",
                     element_names[lower->plan->inputs.workload.dtype], (long long)requests,
                     (long long)context, (long long)kv, (long long)lower->model->head_dim);
    lower_persistent(at, "keys", BUFFER_STATE, shape, bytes, true);
    lower_persistent(at, "values", BUFFER_STATE, shape, bytes, true);
}

/* --- experts ------------------------------------------------------------------------------------------ */

/* How one expert matrix lies in its buffer [slots][rows][pitch]: cut along rows (gate, up) or columns. */
typedef struct ExpertMatrix {
    const char *name;
    TensorKind tensor;
    bool cut_rows, cut_columns;
    bool once; /* added once: by the part that begins at column 0 */
} ExpertMatrix;

static const ExpertMatrix expert_matrices[] = {
    {"expert_gate", TENSOR_EXPERT_GATE, true, false, false},
    {"expert_gate_bias", TENSOR_EXPERT_GATE_BIAS, true, false, false},
    {"expert_up", TENSOR_EXPERT_UP, true, false, false},
    {"expert_up_bias", TENSOR_EXPERT_UP_BIAS, true, false, false},
    {"expert_down", TENSOR_EXPERT_DOWN, false, true, false},
    {"expert_down_bias", TENSOR_EXPERT_DOWN_BIAS, false, false, true},
};

static void hold_slot(LowerRank *at, const ExpertMatrix *matrix, int64_t buffer, int64_t rows,
                      int64_t pitch, const PlaceSlot *slot, Range layers) {
    int64_t all_rows, all_columns;
    model_tensor_shape(at->lower->model, matrix->tensor, &all_rows, &all_columns);
    if (matrix->once && slot->columns.begin != 0)
        return;
    /* Deltas count within a layer: a holding that begins later is found by layer_stride. */
    hold(at, &(Slice){.tensor = matrix->tensor,
                      .expert = slot->expert,
                      .layers = layers,
                      .rows = matrix->cut_rows ? slot->columns : (Range){0, all_rows},
                      .columns = matrix->cut_columns ? slot->columns : (Range){0, all_columns},
                      .buffer = buffer,
                      .delta = slot->slot * rows * pitch * at->lower->element,
                      .pitch = pitch,
                      .primary = slot->replica == 0});
}

static bool same_slot(const PlaceSlot *a, const PlaceSlot *b) {
    return a->slot == b->slot && a->expert == b->expert && a->replica == b->replica &&
           a->columns.begin == b->columns.begin && a->columns.end == b->columns.end;
}

/* [layer - layers.begin][slot] of the rank's stage: what it holds there, NULL: nothing. */
static const PlaceSlot **slots_by_layer(Arena *arena, const Place *place) {
    int64_t layers = place->layers.end - place->layers.begin, count = place->routed_count;
    const PlaceSlot **table = ARENA_ARRAY(arena, layers * count, const PlaceSlot *);
    for (int64_t i = place->slots.count - 1; i >= 0; --i) {
        const PlaceSlot *slot = &place->slots.items[i];
        int64_t layer = slot->layer - place->layers.begin;
        if (layer >= 0 && layer < layers && slot->slot < count)
            table[layer * count + slot->slot] = slot;
    }
    return table;
}

static void hold_experts(LowerRank *at) {
    const Place *place = at->place;
    const Model *model = at->lower->model;
    const PlaceSlot **slots = slots_by_layer(at->lower->arena, place);
    int64_t first = place->layers.begin, count = place->routed_count;
    for (size_t k = 0; k < sizeof expert_matrices / sizeof *expert_matrices; ++k) {
        const ExpertMatrix *matrix = &expert_matrices[k];
        if (!model_has(model, matrix->tensor))
            continue;
        int64_t all_rows, all_columns;
        model_tensor_shape(model, matrix->tensor, &all_rows, &all_columns);
        int64_t rows = matrix->cut_rows ? place->columns : all_rows;
        int64_t pitch = matrix->cut_columns ? place->columns : all_columns;
        int64_t buffer = tensor_buffer(at, matrix->name, matrix->tensor, count * rows, pitch);
        for (int64_t slot = 0; slot < count; ++slot) {
            for (int64_t layer = first; layer < place->layers.end;) {
                const PlaceSlot *held = slots[(layer - first) * count + slot];
                int64_t end = layer + 1;
                for (; held && end < place->layers.end; ++end) {
                    const PlaceSlot *next = slots[(end - first) * count + slot];
                    if (!next || !same_slot(held, next))
                        break;
                }
                if (held)
                    hold_slot(at, matrix, buffer, rows, pitch, held, (Range){layer, end});
                layer = end;
            }
        }
    }
}

/* What all tokens pass, as a slot after those of experts: the same part in every run of layers. */
static void hold_shared(LowerRank *at) {
    const Place *place = at->place;
    RangeList runs = {0};
    for (int64_t i = 0; i < place->slots.count; ++i) {
        const PlaceSlot *slot = &place->slots.items[i];
        if (slot->expert != plan_shared_expert(at->lower->plan))
            continue;
        if (runs.count && runs.items[runs.count - 1].end == slot->layer)
            ++runs.items[runs.count - 1].end;
        else
            *(Range *)LIST_PUSH(at->lower->arena, &runs) = (Range){slot->layer, slot->layer + 1};
    }
    hold_ffn(at, "shared", TENSOR_SHARED_GATE, place->shared, &runs, place->shared_primary);
}

Status lower_holdings(LowerRank *at) {
    if (at->place->group) {
        hold_attention(at);
        hold_cache(at);
    }
    if (at->place->routed_count)
        hold_experts(at);
    if (at->place->serves_shared)
        hold_shared(at);
    return STATUS_OK;
}
