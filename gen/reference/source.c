/* source: see source.h. Files are read, not mapped: one that shrinks meanwhile is a diagnostic. */
#include "reference/source.h"

#include "input/checkpoint.h"
#include "rt_format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The types of model, program and checkpoint share one numbering. */
_Static_assert((int)ELEMENT_F32 == RT_F32 && (int)ELEMENT_BF16 == RT_BF16 &&
                   (int)ELEMENT_F16 == RT_F16 && (int)SAFETENSORS_E4M3 == RT_E4M3 &&
                   (int)SAFETENSORS_E5M2 == RT_E5M2,
               "element types are numbered alike");

Status source_open(Source *source, Arena *arena, const Model *model, int64_t dtype,
                   const Safetensors *checkpoint, Diag *diag) {
    *source = (Source){.model = model, .dtype = dtype, .checkpoint = checkpoint};
    if (!checkpoint)
        return STATUS_OK;
    source->files = ARENA_ARRAY(arena, checkpoint->files.count, int);
    for (int64_t i = 0; i < checkpoint->files.count; i++)
        source->files[i] = -1;
    for (int64_t i = 0; i < checkpoint->files.count; i++) {
        const char *path = checkpoint->files.items[i].path;
        source->files[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (source->files[i] < 0) {
            diag_error(diag, diag_nowhere(), "E0601", NULL, "%s cannot be read: %s", path,
                       strerror(errno));
            source_close(source);
            return STATUS_NOINPUT;
        }
    }
    return STATUS_OK;
}

void source_close(Source *source) {
    for (int64_t i = 0; source->files && i < source->checkpoint->files.count; i++)
        if (source->files[i] >= 0)
            close(source->files[i]);
    source->files = NULL;
}

int64_t source_type(const Source *source, TensorKind kind) {
    return tensor_kind_is_float32(kind) ? ELEMENT_F32 : source->dtype;
}

static float rounded(float value, int64_t type) {
    if (type == ELEMENT_BF16)
        return rt_from_bf16(rt_to_bf16(value));
    if (type == ELEMENT_F16)
        return rt_from_f16(rt_to_f16(value));
    return value;
}

static bool is_norm(TensorKind kind) {
    return kind == TENSOR_ATTENTION_NORM || kind == TENSOR_FFN_NORM || kind == TENSOR_FINAL_NORM ||
           kind == TENSOR_QUERY_NORM || kind == TENSOR_KEY_NORM ||
           kind == TENSOR_QUERY_LATENT_NORM || kind == TENSOR_LATENT_NORM;
}

static bool is_bias(TensorKind kind) {
    switch (kind) {
    case TENSOR_ATTENTION_NORM_BIAS:
    case TENSOR_QUERY_BIAS:
    case TENSOR_KEY_BIAS:
    case TENSOR_VALUE_BIAS:
    case TENSOR_OUTPUT_BIAS:
    case TENSOR_FFN_NORM_BIAS:
    case TENSOR_EXPERT_GATE_BIAS:
    case TENSOR_EXPERT_UP_BIAS:
    case TENSOR_EXPERT_DOWN_BIAS:
    case TENSOR_DENSE_GATE_BIAS:
    case TENSOR_DENSE_UP_BIAS:
    case TENSOR_DENSE_DOWN_BIAS:
    case TENSOR_SHARED_GATE_BIAS:
    case TENSOR_SHARED_UP_BIAS:
    case TENSOR_SHARED_DOWN_BIAS:
    case TENSOR_FINAL_NORM_BIAS:
        return true;
    default:
        return false;
    }
}

static void read_random(const Source *source, TensorKind kind, const char *name, int64_t elements,
                        float *out) {
    uint64_t key = rt_random_key(name, 0);
    float range = (float)source->model->initializer_range;
    int64_t type = source_type(source, kind);
    if (is_norm(kind) || is_bias(kind)) {
        for (int64_t i = 0; i < elements; i++)
            out[i] = is_norm(kind) ? 1.0f : 0.0f;
        return;
    }
    for (int64_t i = 0; i < elements; i++)
        out[i] = rounded(rt_random_weight(key, (uint64_t)i, range), type);
}

static float number(const char *from, int64_t type) {
    float single;
    uint16_t half;
    switch (type) {
    case ELEMENT_F32:
        memcpy(&single, from, sizeof single);
        return single;
    case SAFETENSORS_E4M3:
        return rt_from_e4m3(*(const uint8_t *)from);
    case SAFETENSORS_E5M2:
        return rt_from_e5m2(*(const uint8_t *)from);
    default:
        memcpy(&half, from, sizeof half);
        return type == ELEMENT_BF16 ? rt_from_bf16(half) : rt_from_f16(half);
    }
}

/* Bytes of `count` elements from `first` on, in the arena. */
static Status read_elements(Arena *scratch, const Source *source, const SafetensorsTensor *tensor,
                            int64_t first, int64_t count, char **bytes, Diag *diag) {
    int64_t size = rt_type_bytes((int)tensor->element);
    *bytes = arena_alloc(scratch, (size_t)(count * size));
    if (safetensors_read(source->files[tensor->file], *bytes, count * size,
                         tensor->offset + first * size))
        return STATUS_OK;
    return diag_error(diag, diag_nowhere(), "E0601",
                      "the file changed while it was read: start again",
                      "tensor \"%s\" cannot be read from %s", tensor->name,
                      source->checkpoint->files.items[tensor->file].path);
}

/* The scale of an element, by its place in the stored matrix. */
static float scale_of(const TensorScale *scale, const char *scales, int64_t element) {
    int64_t row = element / scale->width / scale->block_rows;
    int64_t column = element % scale->width / scale->block_columns;
    return number(scales +
                      (row * scale->stride + column) * rt_type_bytes((int)scale->tensor->element),
                  scale->tensor->element);
}

static Status read_scales(Arena *scratch, const Source *source, const TensorPlace *place,
                          int64_t last, char **scales, Diag *diag) {
    const TensorScale *scale = &place->scale;
    if (!scale->tensor)
        return STATUS_OK;
    int64_t rows = (scale->origin + last - place->first) / scale->width / scale->block_rows + 1;
    return read_elements(scratch, source, scale->tensor, scale->first, rows * scale->stride, scales,
                         diag);
}

/* The span of the tensor from its first element to its last is read, and all of them are looked up in it: plainly, so
 * that it is not the way that programs go. */
static Status read_file(Arena *scratch, const Source *source, TensorKind kind, int64_t layer,
                        int64_t expert, int64_t rows, int64_t columns, float *out, Diag *diag) {
    TensorPlace place =
        checkpoint_find(scratch, source->checkpoint, source->model, kind, layer, expert, diag);
    if (!place.tensor)
        return STATUS_DATA;
    int64_t last = checkpoint_at(&place, rows - 1, columns - 1), type = source_type(source, kind);
    int64_t size = rt_type_bytes((int)place.tensor->element);
    char *bytes, *scales = NULL;
    TRY(read_elements(scratch, source, place.tensor, place.first, last - place.first + 1, &bytes,
                      diag));
    TRY(read_scales(scratch, source, &place, last, &scales, diag));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t at = checkpoint_at(&place, r, c) - place.first;
            float value = number(bytes + at * size, place.tensor->element);
            if (scales)
                value *= scale_of(&place.scale, scales, place.scale.origin + at);
            out[r * columns + c] = rounded(value, type);
        }
    return STATUS_OK;
}

Status source_read(const Source *source, TensorKind kind, int64_t layer, int64_t expert, float *out,
                   Diag *diag) {
    Arena scratch = {0};
    int64_t rows, columns;
    Status status = STATUS_OK;
    model_tensor_shape(source->model, kind, &rows, &columns);
    if (source->checkpoint)
        status = read_file(&scratch, source, kind, layer, expert, rows, columns, out, diag);
    else
        read_random(source, kind, model_tensor_name(&scratch, source->model, kind, layer, expert),
                    rows * columns, out);
    arena_free(&scratch);
    return status;
}
