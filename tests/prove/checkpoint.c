/* checkpoint: see checkpoint.h. */
#include "checkpoint.h"

#include "base/fs.h"

#include "rt_format.h"

#include <string.h>

static bool is_vector(int64_t kind) {
    const char *name = tensor_kind_names[kind];
    size_t length = strlen(name);
    return strstr(name, "norm") || (length > 5 && strcmp(name + length - 5, "_bias") == 0);
}

static void add_tensor(Arena *arena, const Model *model, int64_t kind, int64_t layer,
                       int64_t expert, Buf *header, Buf *data) {
    const char *name = model_tensor_name(arena, model, (TensorKind)kind, layer, expert);
    bool scale = strstr(tensor_kind_names[kind], "norm") && !strstr(name, "_bias");
    int64_t rows, columns;
    model_tensor_shape(model, (TensorKind)kind, &rows, &columns);
    uint64_t key = rt_random_key(name, 1);
    long long begin = (long long)data->length;
    for (int64_t i = 0; i < rows * columns; ++i) {
        float value = rt_random_weight(key, (uint64_t)i, (float)model->initializer_range);
        value = is_vector(kind) ? 0.5f * value + (scale ? 1.0f : 0.0f) : value;
        buf_append(data, (const char *)&value, sizeof value);
    }
    buf_printf(header,
               "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%lld,%lld],\"data_offsets\":[%lld,%lld]}",
               header->length ? ',' : '{', name, (long long)rows, (long long)columns, begin,
               (long long)data->length);
}

Status checkpoint_write(Arena *arena, const Model *model, const char *path, Diag *diag) {
    Buf header = {0}, data = {0}, file = {0};
    for (int64_t i = 0; i < model->tensors.count; ++i) {
        int64_t kind = model->tensors.items[i].kind;
        int64_t layers = tensor_kind_per_layer((TensorKind)kind) ? model->layers : 1;
        int64_t experts = tensor_kind_per_expert((TensorKind)kind) ? model->experts : 1;
        for (int64_t layer = 0; layer < layers; ++layer)
            for (int64_t e = 0; e < experts; ++e)
                if (layers == 1 || model_has_in_layer(model, (TensorKind)kind, layer))
                    add_tensor(arena, model, kind, layer, e, &header, &data);
    }
    buf_puts(&header, "}");
    while (header.length % 8)
        buf_putc(&header, ' ');
    uint64_t length = header.length;
    buf_append(&file, (const char *)&length, sizeof length);
    buf_append(&file, header.data, header.length);
    buf_append(&file, data.data, data.length);
    Status status = fs_write(path, file.data, file.length, diag);
    buf_free(&header);
    buf_free(&data);
    buf_free(&file);
    return status;
}
