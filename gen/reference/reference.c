/* reference: weights, the way of tokens through the layers, and the greedy choice. */
#include "reference/reference.h"

#include "reference/math.h"
#include "reference/reference_state.h"
#include "reference/source.h"

#include <math.h>
#include <string.h>

/* --- weights ---------------------------------------------------------------------------------- */

static int64_t tensor_copies(const Model *model, TensorKind kind) {
    return (tensor_kind_per_layer(kind) ? model->layers : 1) *
           (tensor_kind_per_expert(kind) ? model->experts : 1);
}

const float *reference_weight(const Reference *reference, TensorKind kind, int64_t layer,
                              int64_t expert) {
    float **copies = reference->weights[kind];
    if (!copies)
        return NULL;
    if (!tensor_kind_per_layer(kind))
        return copies[0];
    return copies[tensor_kind_per_expert(kind) ? layer * reference->model->experts + expert
                                               : layer];
}

/* Copies of one kind that are read side by side; each reports into its own Diag. */
typedef struct Loading {
    const Source *source;
    Reference *reference;
    TensorKind kind;
    Diag *diags; /* [copies] */
    Status *status;
} Loading;

static void load_copies(void *context, int64_t begin, int64_t end) {
    const Loading *loading = context;
    const Model *model = loading->reference->model;
    int64_t experts = tensor_kind_per_expert(loading->kind) ? model->experts : 1;
    for (int64_t i = begin; i < end; i++)
        if (loading->reference->weights[loading->kind][i])
            loading->status[i] =
                source_read(loading->source, loading->kind, i / experts, i % experts,
                            loading->reference->weights[loading->kind][i], &loading->diags[i]);
}

/* The first failure in the order of copies, whichever thread met one first. */
static Status first_failure(const Loading *loading, int64_t copies, Diag *diag) {
    for (int64_t i = 0; i < copies; i++)
        if (loading->status[i] != STATUS_OK) {
            const DiagMessage *message = &loading->diags[i].messages[0];
            DiagPlace place = message->place;
            if (place.source) { /* lies in memory that goes with the loading */
                DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
                source->name = arena_strdup(diag->arena, place.source->name);
                place.source = source;
            }
            diag_error(diag, place, message->code, message->help, "%s", message->text);
            return loading->status[i];
        }
    return STATUS_OK;
}

static Status load_kind(Reference *reference, const Source *source, TensorKind kind, Diag *diag) {
    int64_t copies = tensor_copies(reference->model, kind), rows, columns;
    model_tensor_shape(reference->model, kind, &rows, &columns);
    reference->weights[kind] = ARENA_ARRAY(&reference->arena, copies, float *);
    int64_t experts = tensor_kind_per_expert(kind) ? reference->model->experts : 1;
    for (int64_t i = 0; i < copies; i++)
        if (!tensor_kind_per_layer(kind) || model_has_in_layer(reference->model, kind, i / experts))
            reference->weights[kind][i] = ARENA_ARRAY(&reference->arena, rows * columns, float);
    Loading loading = {.source = source,
                       .reference = reference,
                       .kind = kind,
                       .diags = ARENA_ARRAY(&reference->scratch, copies, Diag),
                       .status = ARENA_ARRAY(&reference->scratch, copies, Status)};
    Arena *texts = ARENA_ARRAY(&reference->scratch, copies, Arena);
    for (int64_t i = 0; i < copies; i++)
        loading.diags[i].arena = &texts[i];
    parallel_for(reference->parallel, copies, load_copies, &loading);
    Status status = first_failure(&loading, copies, diag);
    for (int64_t i = 0; i < copies; i++)
        arena_free(&texts[i]);
    return status;
}

Status reference_open(Reference **out, const Model *model, int64_t dtype,
                      const Safetensors *checkpoint, int64_t threads, Diag *diag) {
    Arena arena = {0};
    Reference *reference = ARENA_NEW(&arena, Reference);
    *reference = (Reference){.arena = arena, .model = model, .parallel = parallel_open(threads)};
    Source source;
    Status status = source_open(&source, &reference->arena, model, dtype, checkpoint, diag);
    for (int64_t kind = 0; status == STATUS_OK && kind < TENSOR_KINDS; kind++)
        if (model_has(model, kind))
            status = load_kind(reference, &source, kind, diag);
    source_close(&source);
    if (status != STATUS_OK) {
        reference_close(reference);
        reference = NULL;
    }
    *out = reference;
    return status;
}

void reference_close(Reference *reference) {
    if (!reference)
        return;
    parallel_close(reference->parallel);
    arena_free(&reference->scratch);
    Arena arena = reference->arena;
    arena_free(&arena);
}

/* --- forward ---------------------------------------------------------------------------------- */

void reference_norm(const Reference *reference, TensorKind weight, TensorKind bias, int64_t layer,
                    const double *in, int64_t count, double *out) {
    const Model *model = reference->model;
    const float *scale = reference_weight(reference, weight, layer, 0);
    const float *shift = reference_weight(reference, bias, layer, 0);
    for (int64_t r = 0; r < count; r++) {
        const double *row = in + r * model->hidden;
        double *normed = out + r * model->hidden;
        if (model->norm == NORM_RMS)
            math_rms_norm(row, scale, model->norm_eps, model->hidden, normed);
        else
            math_layer_norm(row, scale, shift, model->norm_eps, model->hidden, normed);
    }
}

static void embed(const Reference *reference, const ReferenceRow *rows, int64_t count,
                  double *out) {
    int64_t hidden = reference->model->hidden;
    const float *table = reference_weight(reference, TENSOR_EMBEDDING, 0, 0);
    const float *positions = reference_weight(reference, TENSOR_POSITIONS, 0, 0);
    for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < hidden; i++)
            out[r * hidden + i] =
                (double)table[rows[r].id * hidden + i] +
                (positions ? (double)positions[rows[r].position * hidden + i] : 0.0);
}

/* One run: what its steps share. */
typedef struct Run {
    Reference *reference;
    const ReferencePrompts *prompts;
    ReferenceCache cache;
    ReferenceResult *result;
} Run;

/* Rows through all layers and the final norm: [count][hidden]. */
static double *forward(Run *run, const ReferenceRow *rows, int64_t count, bool prefill) {
    Reference *reference = run->reference;
    int64_t hidden = reference->model->hidden;
    double *residual = ARENA_ARRAY(&reference->scratch, count * hidden, double);
    double *normed = ARENA_ARRAY(&reference->scratch, count * hidden, double);
    embed(reference, rows, count, residual);
    for (int64_t layer = 0; layer < reference->model->layers; layer++) {
        reference_attention(reference, layer, rows, count, &run->cache, residual);
        if (model_is_dense(reference->model, layer))
            reference_dense(reference, layer, count, residual);
        else
            reference_experts(reference, layer, rows, count, prefill, run->result, residual);
    }
    reference_norm(reference, TENSOR_FINAL_NORM, TENSOR_FINAL_NORM_BIAS, 0, residual, count,
                   normed);
    return normed;
}

static void head(const Reference *reference, const double *normed, int64_t count, double *logits) {
    const Model *model = reference->model;
    const float *weight = reference_weight(reference, TENSOR_HEAD, 0, 0);
    if (!weight)
        weight = reference_weight(reference, TENSOR_EMBEDDING, 0, 0);
    math_linear(reference->parallel, weight, NULL, model->vocabulary, model->hidden, normed, count,
                logits);
}

/* The greedy choice among `logits` as new token `step` of a sequence, with its margin. */
static void choose(Run *run, int64_t sequence, int64_t step, const double *logits) {
    ReferenceResult *result = run->result;
    int64_t best = 0;
    double second = -INFINITY, largest = fabs(logits[0]);
    for (int64_t i = 1; i < result->vocabulary; i++) {
        if (logits[i] > logits[best]) {
            second = logits[best];
            best = i;
        } else if (logits[i] > second) {
            second = logits[i];
        }
        largest = fabs(logits[i]) > largest ? fabs(logits[i]) : largest;
    }
    double gap = logits[best] - second, margin = largest > 0 ? gap / largest : 0.0;
    result->tokens[sequence * result->max_new + step] = (int32_t)best;
    result->argmax_margin[sequence * result->max_new + step] = margin;
    if (margin < result->argmax.value)
        result->argmax =
            (ReferenceMargin){margin, sequence, run->prompts->lengths[sequence] + step - 1, -1};
}

enum { HEAD_ROWS = 32 }; /* rows whose logits are held in double at a time */

static void keep_logits(ReferenceResult *result, int64_t sequence, int64_t position, int64_t count,
                        const double *logits) {
    float *out = result->logits + (sequence * result->longest + position) * result->vocabulary;
    for (int64_t i = 0; i < count * result->vocabulary; i++) {
        out[i] = (float)logits[i];
        if (fabs(logits[i]) > result->largest_logit)
            result->largest_logit = fabs(logits[i]);
    }
}

static void prefill(Run *run, int64_t sequence) {
    Reference *reference = run->reference;
    ReferenceResult *result = run->result;
    Arena *arena = &reference->scratch;
    ArenaMark mark = arena_mark(arena);
    int64_t length = run->prompts->lengths[sequence], hidden = reference->model->hidden;
    ReferenceRow *rows = ARENA_ARRAY(arena, length, ReferenceRow);
    for (int64_t p = 0; p < length; p++)
        rows[p] =
            (ReferenceRow){sequence, p, run->prompts->ids[sequence * run->prompts->longest + p]};
    double *normed = forward(run, rows, length, true);
    double *logits = ARENA_ARRAY(arena, HEAD_ROWS * result->vocabulary, double);
    for (int64_t p = result->logits ? 0 : length - 1; p < length; p += HEAD_ROWS) {
        int64_t count = length - p < HEAD_ROWS ? length - p : HEAD_ROWS;
        head(reference, normed + p * hidden, count, logits);
        if (result->logits)
            keep_logits(result, sequence, p, count, logits);
        if (p + count == length)
            choose(run, sequence, 0, logits + (count - 1) * result->vocabulary);
    }
    arena_rewind(arena, mark);
}

/* All sequences take one token further: new token `step` becomes step + 1. */
static void decode(Run *run, int64_t step) {
    ReferenceResult *result = run->result;
    Arena *arena = &run->reference->scratch;
    ArenaMark mark = arena_mark(arena);
    int64_t sequences = run->prompts->sequences, hidden = run->reference->model->hidden;
    ReferenceRow *rows = ARENA_ARRAY(arena, sequences, ReferenceRow);
    for (int64_t s = 0; s < sequences; s++)
        rows[s] = (ReferenceRow){s, run->prompts->lengths[s] + step,
                                 result->tokens[s * result->max_new + step]};
    double *normed = forward(run, rows, sequences, false);
    double *logits = ARENA_ARRAY(arena, HEAD_ROWS * result->vocabulary, double);
    for (int64_t s = 0; s < sequences; s += HEAD_ROWS) {
        int64_t count = sequences - s < HEAD_ROWS ? sequences - s : HEAD_ROWS;
        head(run->reference, normed + s * hidden, count, logits);
        for (int64_t i = 0; i < count; i++)
            choose(run, s + i, step + 1, logits + i * result->vocabulary);
    }
    arena_rewind(arena, mark);
}

/* --- runs ------------------------------------------------------------------------------------- */

static void result_begin(const Model *model, const ReferencePrompts *prompts, bool want_logits,
                         Arena *arena, ReferenceResult *result) {
    int64_t sequences = prompts->sequences, positions = prompts->longest + prompts->max_new - 1;
    int64_t choices = sequences * positions * model->layers * model->top_k;
    int64_t logits = sequences * prompts->longest * model->vocabulary;
    *result = (ReferenceResult){.sequences = sequences,
                                .longest = prompts->longest,
                                .max_new = prompts->max_new,
                                .positions = positions,
                                .layers = model->layers,
                                .top_k = model->top_k,
                                .vocabulary = model->vocabulary,
                                .router = {.value = INFINITY, .layer = -1},
                                .argmax = {.value = INFINITY, .layer = -1}};
    result->tokens = ARENA_ARRAY(arena, sequences * prompts->max_new, int32_t);
    result->choices = ARENA_ARRAY(arena, choices, int32_t);
    memset(result->choices, 0xff, (size_t)choices * sizeof *result->choices);
    result->router_margin = ARENA_ARRAY(arena, sequences * positions, double);
    result->argmax_margin = ARENA_ARRAY(arena, sequences * prompts->max_new, double);
    for (int64_t i = 0; i < sequences * positions; i++)
        result->router_margin[i] = INFINITY;
    if (!want_logits)
        return;
    result->logits = ARENA_ARRAY(arena, logits, float);
    for (int64_t i = 0; i < logits; i++)
        result->logits[i] = NAN;
}

static int64_t token_count(const ReferencePrompts *prompts) {
    int64_t count = prompts->sequences * (prompts->max_new - 1);
    for (int64_t s = 0; s < prompts->sequences; s++)
        count += prompts->lengths[s];
    return count;
}

static void tell(const ReferencePrompts *prompts, int64_t done, int64_t all) {
    if (prompts->progress)
        prompts->progress(prompts->context, done, all);
}

void reference_run(Reference *reference, const ReferencePrompts *prompts, bool want_logits,
                   Arena *arena, ReferenceResult *result) {
    const Model *model = reference->model;
    result_begin(model, prompts, want_logits, arena, result);
    Run run = {.reference = reference, .prompts = prompts, .result = result};
    run.cache = (ReferenceCache){.sequences = prompts->sequences, .positions = result->positions};
    int64_t cached = model->layers * prompts->sequences * result->positions * model->kv_heads;
    ArenaMark mark = arena_mark(&reference->scratch);
    run.cache.keys = ARENA_ARRAY(&reference->scratch, cached * model->head_dim, double);
    run.cache.values = ARENA_ARRAY(&reference->scratch, cached * model->value_dim, double);
    int64_t done = 0, all = token_count(prompts);
    for (int64_t s = 0; s < prompts->sequences; s++) {
        prefill(&run, s);
        tell(prompts, done += prompts->lengths[s], all);
    }
    for (int64_t step = 0; step + 1 < prompts->max_new; step++) {
        decode(&run, step);
        tell(prompts, done += prompts->sequences, all);
    }
    arena_rewind(&reference->scratch, mark);
}
