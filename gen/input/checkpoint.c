/* checkpoint: see checkpoint.h. Owns nothing. */
#include "input/checkpoint.h"

#include <string.h>

static const ModelTensor *own_form(const Model *model, TensorKind kind) {
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == (int64_t)kind)
            return &model->tensors.items[i];
    return NULL;
}

/* The form that the checkpoint has, the first where it has none. */
static const ModelTensor *present_form(Arena *arena, const Safetensors *checkpoint,
                                       const Model *model, TensorKind kind, int64_t layer,
                                       int64_t expert) {
    const ModelTensor *own = own_form(model, kind);
    if (!own || safetensors_find(checkpoint, model_fill_name(arena, own->name, layer, expert)))
        return own;
    for (int64_t i = 0; i < model->alternatives.count; i++) {
        const ModelTensor *form = &model->alternatives.items[i];
        if (form->kind == (int64_t)kind &&
            safetensors_find(checkpoint, model_fill_name(arena, form->name, layer, expert)))
            return form;
    }
    return own;
}

TensorPlace checkpoint_find(Arena *arena, const Safetensors *checkpoint, const Model *model,
                            TensorKind kind, int64_t layer, int64_t expert, Diag *diag) {
    const ModelTensor *form = present_form(arena, checkpoint, model, kind, layer, expert);
    if (!form)
        return (TensorPlace){0};
    int64_t rows, columns;
    model_tensor_shape(model, kind, &rows, &columns);
    rows = form->block_rows ? form->block_rows : rows;
    bool stacked = tensor_kind_per_expert(kind) && !strstr(form->name, "{expert}");
    const char *name = model_fill_name(arena, form->name, layer, expert);
    TensorPlace place = {.tensor = safetensors_require_blocks(
                             checkpoint, name, stacked ? model->experts : 0, rows, columns, diag)};
    if (place.tensor) /* as large as that: no overflow */
        place.first = ((stacked ? expert * rows : 0) + form->first_row) * columns;
    return place;
}
