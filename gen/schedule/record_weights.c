/* record_weights: the slices of weights that a rank's table lists, beside what it is to hold. See record.h. */
#include "schedule/record_check.h"

#include <string.h>

static const char *const names[RECORD_WEIGHT_NUMBERS] = {"first layer",
                                                         "end of layers",
                                                         "expert",
                                                         "rows of the tensor",
                                                         "columns of the tensor",
                                                         "first row",
                                                         "end of rows",
                                                         "first column",
                                                         "end of columns",
                                                         "offset in the slab",
                                                         "layer stride",
                                                         "pitch",
                                                         "type",
                                                         "fill"};

/* Of rt_fill: what a tensor is without a checkpoint: drawn, ones, or zeros. */
static int64_t fill_of(int64_t kind) {
    const char *name = tensor_kind_names[kind];
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, "_bias") == 0)
        return 2;
    return length > 5 && strcmp(name + length - 5, "_norm") == 0;
}

/* The name in checkpoints; a head that is tied has that of the embedding. */
static const char *name_of(const Model *model, int64_t kind) {
    if (kind == TENSOR_HEAD && !model_has(model, TENSOR_HEAD))
        kind = TENSOR_EMBEDDING;
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == kind)
            return model->tensors.items[i].name;
    return "";
}

static bool same_weight(RecordCompare *c, const RecordWeight *got, int64_t index) {
    const Model *model = &c->plan->inputs.model;
    const Holding *h = &c->holdings->holdings.items[index];
    const Buffer *buffer = &c->holdings->buffers.items[h->buffer];
    const char *kind = tensor_kind_names[h->tensor];
    bool per_layer = tensor_kind_per_layer((TensorKind)h->tensor);
    int64_t rows, columns, begin = h->layers.begin - buffer->first_layer;
    model_tensor_shape(model, (TensorKind)h->tensor, &rows, &columns);
    const int64_t want[RECORD_WEIGHT_NUMBERS] = {per_layer ? h->layers.begin : -1,
                                                 per_layer ? h->layers.end : -1,
                                                 h->expert,
                                                 rows,
                                                 columns,
                                                 h->rows.begin,
                                                 h->rows.end,
                                                 h->columns.begin,
                                                 h->columns.end,
                                                 buffer->offset + h->delta +
                                                     begin * buffer->layer_stride,
                                                 buffer->per_layer ? buffer->layer_stride : 0,
                                                 h->pitch,
                                                 h->type,
                                                 fill_of(h->tensor)};
    if (!SAME_TEXT(c, -1, got->name, name_of(model, h->tensor), "the name of its weight %lld (%s)",
                   (long long)index, kind))
        return false;
    for (int i = 0; i < RECORD_WEIGHT_NUMBERS; i++)
        if (!SAME(c, -1, got->numbers[i], want[i], "weight %lld (%s): %s", (long long)index, kind,
                  names[i]))
            return false;
    return true;
}

bool record_weights_equal(RecordCompare *c) {
    if (!c->holdings)
        return true;
    if (!SAME(c, -1, c->record->weights.count, c->holdings->holdings.count,
              "the number of its weights"))
        return false;
    for (int64_t i = 0; i < c->record->weights.count; i++)
        if (!same_weight(c, &c->record->weights.items[i], i))
            return false;
    return true;
}
