/* weights: random weights by counter. An element depends on its tensor's name and its index there alone, so
 * that every placement sees the same model. */
#include "core/backend.h"
#include "core/progress.h"
#include "core/wait.h"

#include <stdio.h>

enum { FILL_BYTES = 1 << 20 }; /* rows that are staged together, about */

/* `name` with {layer} and {expert} replaced. */
static bool weight_name(char *text, size_t size, const char *name, int layer, int expert) {
    static const char layer_word[] = "{layer}", expert_word[] = "{expert}";
    size_t used = 0;
    while (*name && used < size) {
        bool is_layer = strncmp(name, layer_word, sizeof layer_word - 1) == 0;
        bool is_expert = strncmp(name, expert_word, sizeof expert_word - 1) == 0;
        if (is_layer || is_expert) {
            int written = snprintf(text + used, size - used, "%d", is_layer ? layer : expert);
            used += written > 0 ? (size_t)written : 0;
            name += is_layer ? sizeof layer_word - 1 : sizeof expert_word - 1;
        } else {
            text[used++] = *name++;
        }
    }
    if (used >= size)
        return false;
    text[used] = 0;
    return true;
}

static void store_row(char *row, rt_type type, rt_fill fill, uint64_t key, uint64_t first,
                      int64_t count, float range) {
    for (int64_t i = 0; i < count; ++i) {
        float value = fill == RT_FILL_UNIFORM ? rt_random_weight(key, first + (uint64_t)i, range)
                                              : (fill == RT_FILL_ONE ? 1.0f : 0.0f);
        if (type == RT_F32)
            ((float *)row)[i] = value;
        else
            ((uint16_t *)row)[i] = type == RT_BF16 ? rt_to_bf16(value) : rt_to_f16(value);
    }
}

/* Rows that the host draws, staged some at a time. */
static rt_status rows_fill(rt_rank *rank, const rt_draw *draw) {
    int64_t size = rt_type_bytes(draw->type), pitch = draw->pitch * size, some;
    for (int64_t row = 0; row < draw->rows; row += some) {
        some = pitch < FILL_BYTES ? FILL_BYTES / pitch : 1;
        some = some < draw->rows - row ? some : draw->rows - row;
        rt_stage stage = {.offset = draw->offset + row * pitch,
                          .rows = some,
                          .width = draw->columns * size,
                          .pitch = pitch};
        RT_TRY(rt_backend_stage(rank, &stage));
        for (int64_t i = 0; i < some; ++i) {
            store_row(stage.host + i * pitch, draw->type, draw->fill, draw->key,
                      draw->first + (uint64_t)(row + i) * draw->row_step, draw->columns,
                      draw->range);
            RT_TRY(rt_wait_check(rank));
        }
        RT_TRY(rt_backend_store(rank, &stage));
    }
    return RT_OK;
}

/* `offset`: of the first element in the slab. */
static rt_status weight_fill(rt_rank *rank, const rt_weight *weight, int layer, int64_t offset) {
    char name[512];
    bool drawn = false;
    if (!weight_name(name, sizeof name, weight->name, layer, weight->expert))
        return rt_fail(rank, RT_SOFTWARE, "tensor name %s is too long", weight->name);
    rt_draw draw = {.offset = offset,
                    .rows = weight->row_end - weight->row_begin,
                    .columns = weight->column_end - weight->column_begin,
                    .pitch = weight->pitch,
                    .key = rt_random_key(name, 0),
                    .first = (uint64_t)(weight->row_begin * weight->columns + weight->column_begin),
                    .row_step = (uint64_t)weight->columns,
                    .range = rank->program->initializer_range,
                    .type = weight->type,
                    .fill = weight->fill};
    if (draw.rows <= 0 || draw.columns <= 0)
        return RT_OK;
    RT_TRY(rt_wait_check(rank));
    RT_TRY(rt_backend_draw(rank, &draw, &drawn));
    return drawn ? RT_OK : rows_fill(rank, &draw);
}

rt_status rt_weights_fill(rt_rank *rank) {
    int64_t total = 0;
    for (int32_t w = 0; w < rank->place->weight_count; ++w) {
        const rt_weight *weight = &rank->place->weights[w];
        int32_t layers = weight->layer_begin < 0 ? 1 : weight->layer_end - weight->layer_begin;
        if (weight->type > RT_F16)
            return rt_fail(rank, RT_SOFTWARE, "tensor %s has no type of weights", weight->name);
        for (int32_t l = 0; l < layers; ++l) {
            rt_progress(rank, "drawing weights: tensor %d of %d", w + 1, rank->place->weight_count);
            RT_TRY(weight_fill(rank, weight, weight->layer_begin + l,
                               weight->offset + l * weight->layer_stride));
        }
        total += layers * (weight->row_end - weight->row_begin) *
                 (weight->column_end - weight->column_begin) * rt_type_bytes(weight->type);
    }
    rank->area->weight_bytes = total;
    return RT_OK;
}
