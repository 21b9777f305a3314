/* checkpoint: see checkpoint.h. Owns nothing. */
#include "input/checkpoint.h"

#include "input/safetensors_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- forms ------------------------------------------------------------------------------------ */

static const ModelTensor *own_form(const Model *model, TensorKind kind) {
    for (int64_t i = 0; i < model->tensors.count; i++)
        if (model->tensors.items[i].kind == (int64_t)kind)
            return &model->tensors.items[i];
    return NULL;
}

/* ", nor in another form "x", "y"": at most two, "" where there is but one form. */
static const char *other_forms(Arena *arena, const Model *model, TensorKind kind, int64_t layer,
                               int64_t expert) {
    const char *text = "";
    int told = 0;
    for (int64_t i = 0; i < model->alternatives.count && told < 2; i++) {
        const ModelTensor *form = &model->alternatives.items[i];
        if (form->kind == (int64_t)kind)
            text = arena_printf(arena, "%s%s\"%s\"", text, told++ ? ", " : ", nor in another form ",
                                model_fill_name(arena, form->name, layer, expert));
    }
    return text;
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

/* A matrix as it is stored: all rows of a block, of one expert where the tensor has one for each. */
typedef struct Stored {
    int64_t rows, columns;
    int64_t blocks, block; /* experts in the tensor, 0: it is no stack of them; this one's number */
} Stored;

/* --- scales ----------------------------------------------------------------------------------- */

static int64_t divided(int64_t size, int64_t block) {
    return (size + block - 1) / block;
}

static const char *scale_name(Arena *arena, const char *pattern, const char *tensor) {
    const char *at = strstr(pattern, "{tensor}");
    return at ? arena_printf(arena, "%.*s%s%s", (int)(at - pattern), pattern, tensor, at + 8)
              : pattern;
}

/* What follows the experts in the shape: rows and columns of scales. False: it has another form. */
static bool scale_shape(const SafetensorsTensor *tensor, const Stored *stored, int64_t *rows,
                        int64_t *columns) {
    int64_t skip = stored->blocks && tensor->dims && tensor->shape[0] == stored->blocks;
    int64_t dims = tensor->dims - skip;
    if ((stored->blocks && !skip) || dims > 2)
        return false;
    *rows = dims > 0 ? tensor->shape[skip] : 1;
    *columns = dims > 1 ? tensor->shape[skip + 1] : 1;
    return true;
}

/* Blocks of the size that the model says, one for all, or one a row. */
static bool fit_blocks(const Model *model, const Stored *stored, int64_t rows, int64_t columns,
                       TensorScale *scale) {
    const IntList *block = &model->scale_block;
    scale->block_rows = block->count ? block->items[0] : stored->rows;
    scale->block_columns = block->count ? block->items[1] : stored->columns;
    if (rows == divided(stored->rows, scale->block_rows) &&
        columns == divided(stored->columns, scale->block_columns))
        return true;
    scale->block_rows = rows == 1 ? stored->rows : 1;
    scale->block_columns = stored->columns;
    return columns == 1 && (rows == 1 || rows == stored->rows);
}

static void report_scale(Arena *arena, const Safetensors *checkpoint, const Model *model,
                         const SafetensorsTensor *tensor, const SafetensorsTensor *scale,
                         const Stored *stored, Diag *diag) {
    DiagPlace place = safetensors_place(diag, checkpoint->files.items[tensor->file].path);
    const IntList *block = &model->scale_block;
    if (!scale) {
        const char *names = "";
        for (int64_t i = 0; i < model->scales.count; i++)
            names = arena_printf(arena, "%s%s\"%s\"", names, i ? " nor " : "",
                                 scale_name(arena, model->scales.items[i], tensor->name));
        if (!*names)
            diag_error(diag, place, "E0615",
                       "name them in our own YAML: scales: [\"{tensor}_scale_inv\"]",
                       "tensor \"%s\" is %s, but the model has no name for its scales",
                       tensor->name, tensor->type);
        else
            diag_error(diag, place, "E0615",
                       "download the whole checkpoint, or convert it to F32, BF16 or F16",
                       "tensor \"%s\" is %s, but its scales are not there: neither %s",
                       tensor->name, tensor->type, names);
    } else if (scale->element < 0 || scale->element >= SAFETENSORS_E4M3) {
        diag_error(diag, place, "E0615", "convert the checkpoint to F32, BF16 or F16",
                   "the scales \"%s\" have the type %s, which is not supported", scale->name,
                   scale->type);
    } else if (block->count) {
        diag_error(
            diag, place, "E0615", "correct weight_block_size, or scale_block of our own YAML",
            "the scales \"%s\" have the shape %s, but blocks of %lld x %lld need [%lld, %lld]",
            scale->name, safetensors_shape_text(arena, scale), (long long)block->items[0],
            (long long)block->items[1], (long long)divided(stored->rows, block->items[0]),
            (long long)divided(stored->columns, block->items[1]));
    } else {
        diag_error(diag, place, "E0615",
                   "tell the size of blocks: quantization_config.weight_block_size of config.json, "
                   "or scale_block of our own YAML",
                   "the scales \"%s\" have the shape %s, which is neither one scale nor one a row",
                   scale->name, safetensors_shape_text(arena, scale));
    }
}

static bool find_scale(Arena *arena, const Safetensors *checkpoint, const Model *model,
                       const Stored *stored, TensorPlace *place, Diag *diag) {
    TensorScale *scale = &place->scale;
    int64_t rows, columns;
    for (int64_t i = 0; i < model->scales.count && !scale->tensor; i++)
        scale->tensor = safetensors_find(
            checkpoint, scale_name(arena, model->scales.items[i], place->tensor->name));
    if (!scale->tensor || scale->tensor->element < 0 ||
        scale->tensor->element >= SAFETENSORS_E4M3 ||
        !scale_shape(scale->tensor, stored, &rows, &columns) ||
        !fit_blocks(model, stored, rows, columns, scale)) {
        report_scale(arena, checkpoint, model, place->tensor, scale->tensor, stored, diag);
        return false;
    }
    scale->first = stored->block * rows * columns;
    scale->origin = place->first - stored->block * stored->rows * stored->columns;
    scale->width = stored->columns;
    scale->stride = columns;
    return true;
}

/* --- places ----------------------------------------------------------------------------------- */

/* As large as the tensor is: no overflow. */
static void lay_out(const ModelTensor *form, const Stored *stored, int64_t rows, int64_t columns,
                    bool across, TensorPlace *place) {
    int64_t all = across ? stored->columns : stored->rows;
    int64_t periods = form->periods ? form->periods : 1;
    place->row_step = across ? 1 : columns;
    place->column_step = across ? stored->columns : 1;
    place->group = rows / periods;
    place->group_step = all / periods * place->row_step;
    place->first =
        stored->block * stored->rows * stored->columns + form->first_row * place->row_step;
}

TensorPlace checkpoint_find(Arena *arena, const Safetensors *checkpoint, const Model *model,
                            TensorKind kind, int64_t layer, int64_t expert, Diag *diag) {
    const ModelTensor *form = present_form(arena, checkpoint, model, kind, layer, expert);
    if (!form)
        return (TensorPlace){0};
    int64_t rows, columns;
    model_tensor_shape(model, kind, &rows, &columns);
    int64_t all = form->block_rows ? form->block_rows : rows;
    bool across = form->transposed && columns > 1;
    Stored stored = {.rows = across ? columns : all, .columns = across ? all : columns};
    if (tensor_kind_per_expert(kind) && !strstr(form->name, "{expert}")) {
        stored.blocks = model->experts;
        stored.block = expert;
    }
    const char *name = model_fill_name(arena, form->name, layer, expert);
    if (!safetensors_find(checkpoint, name)) {
        safetensors_report_missing(checkpoint, name, other_forms(arena, model, kind, layer, expert),
                                   diag);
        return (TensorPlace){0};
    }
    TensorPlace place = {.tensor = safetensors_require_blocks(checkpoint, name, stored.blocks,
                                                              stored.rows, stored.columns, diag)};
    if (!place.tensor)
        return place;
    lay_out(form, &stored, rows, columns, across, &place);
    if (place.tensor->element >= SAFETENSORS_E4M3 &&
        !find_scale(arena, checkpoint, model, &stored, &place, diag))
        place.tensor = NULL;
    return place;
}

/* --- what is not used ------------------------------------------------------------------------- */

/* A number in [begin, end) without leading zeros at the front of *name, which is moved past it. */
static bool number_in(const char **name, int64_t begin, int64_t end) {
    char *after;
    if (!isdigit((unsigned char)**name) || (**name == '0' && isdigit((unsigned char)(*name)[1])))
        return false;
    long long number = strtoll(*name, &after, 10);
    *name = after;
    return number >= begin && number < end;
}

/* `*` matches anything up to the first place where the text after it goes on; the last one, anything. */
static bool matches(const Model *model, const char *pattern, const char *name) {
    const char *star = NULL, *retry = NULL;
    while (*name || *pattern) {
        bool good;
        if (*pattern == '*') {
            star = ++pattern;
            retry = name;
            continue;
        }
        if (strncmp(pattern, "{layer}", 7) == 0) {
            good = number_in(&name, 0, model->layers);
            pattern += 7;
        } else if (strncmp(pattern, "{extra}", 7) == 0) {
            good = number_in(&name, model->layers, model->layers + model->extra_layers);
            pattern += 7;
        } else {
            good = *pattern && *pattern == *name;
            if (good) {
                pattern++;
                name++;
            }
        }
        if (good)
            continue;
        if (!star || !*retry)
            return false;
        pattern = star;
        name = ++retry;
    }
    return true;
}

bool checkpoint_ignores(const Model *model, const char *name, TensorKind *same_as) {
    for (int64_t i = 0; i < model->ignored.count; i++) {
        const IgnoredTensor *ignored = &model->ignored.items[i];
        if (!matches(model, ignored->name, name))
            continue;
        int64_t kind = 0;
        while (kind < TENSOR_KINDS && strcmp(tensor_kind_names[kind], ignored->same_as) != 0)
            kind++;
        *same_as = (TensorKind)kind;
        return true;
    }
    return false;
}
