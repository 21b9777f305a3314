/* emulate_figures: see emulate_figures.h. The file may come from anywhere: all is checked before it is used. */
#include "core/emulate_figures.h"

#include <math.h>

/* Longest operation or move, seconds. */
#define FIGURES_LIMIT 1e6
enum { FIGURES_RESOURCES = 1 << 20 };

/* `least`: and above it where `open`. */
static bool within(const double *values, int64_t count, double least, bool open, double most) {
    for (int64_t i = 0; i < count; ++i)
        if (!isfinite(values[i]) || values[i] < least || (open && values[i] == least) ||
            values[i] > most)
            return false;
    return true;
}

static bool indices(const int32_t *values, int64_t count, int64_t least, int64_t limit) {
    for (int64_t i = 0; i < count; ++i)
        if (values[i] < least || values[i] >= limit)
            return false;
    return true;
}

static bool moves_valid(const rt_figures *f, int64_t uses) {
    for (int64_t i = 0; i < f->moves; ++i)
        if (f->move_first[i] > f->move_first[i + 1])
            return false;
    return f->move_first[0] == 0 && f->move_first[f->moves] == uses &&
           within(f->fixed_s, f->moves, 0, false, FIGURES_LIMIT) &&
           within(f->move_s, f->moves, 0, false, FIGURES_LIMIT) &&
           indices(f->use_resource, uses, 0, f->resources) &&
           within(f->use_share, uses, 0, false, 1);
}

static bool operations_valid(const rt_figures *f, int64_t entries, const rt_program *program) {
    int64_t at = 0;
    for (int32_t r = 0; r < program->world; ++r) {
        if (f->op_first[r] != at)
            return false;
        at += program->role[program->places[r].role].op_count;
    }
    return f->op_first[program->world] == at && at == entries &&
           within(f->op_s, entries, 0, false, FIGURES_LIMIT) &&
           indices(f->op_move, entries, -1, f->moves);
}

rt_status rt_figures_find(rt_figures *figures, const rt_arrays *file, const char *path,
                          const rt_program *program, rt_error *error) {
    enum { SCALE, FIRST, OP_S, MOVE, FIXED, MOVE_S, USES, RESOURCE, SHARE, RESOURCES, ARRAYS };
    static const struct {
        const char *name;
        rt_type type;
    } wanted[ARRAYS] = {
        [SCALE] = {"scale", RT_F64},     [FIRST] = {"op_first", RT_I64},
        [OP_S] = {"op_s", RT_F64},       [MOVE] = {"op_move", RT_I32},
        [FIXED] = {"fixed_s", RT_F64},   [MOVE_S] = {"move_s", RT_F64},
        [USES] = {"move_first", RT_I32}, [RESOURCE] = {"use_resource", RT_I32},
        [SHARE] = {"use_share", RT_F64}, [RESOURCES] = {"resources", RT_I64},
    };
    const rt_array *a[ARRAYS];
    for (int i = 0; i < ARRAYS; ++i)
        RT_TRY(rt_arrays_get(file, path, wanted[i].name, wanted[i].type, 1, &a[i], error));
    *figures = (rt_figures){
        .scale = a[SCALE]->data,
        .op_first = a[FIRST]->data,
        .op_s = a[OP_S]->data,
        .op_move = a[MOVE]->data,
        .moves = a[MOVE_S]->shape[0],
        .fixed_s = a[FIXED]->data,
        .move_s = a[MOVE_S]->data,
        .move_first = a[USES]->data,
        .use_resource = a[RESOURCE]->data,
        .use_share = a[SHARE]->data,
    };
    if (a[SCALE]->shape[0] != program->steps ||
        !within(figures->scale, program->steps, 0, true, FIGURES_LIMIT))
        return rt_error_set(error, RT_DATA, "%s: needs a scale above 0 for each of %d steps", path,
                            program->steps);
    if (a[FIRST]->shape[0] != program->world + 1 || a[OP_S]->shape[0] != a[MOVE]->shape[0] ||
        !operations_valid(figures, a[OP_S]->shape[0], program))
        return rt_error_set(error, RT_DATA,
                            "%s: the figures of the operations are not those of this program's "
                            "%d ranks, or no times",
                            path, program->world);
    figures->resources = a[RESOURCES]->shape[0] == 1 ? *(const int64_t *)a[RESOURCES]->data : -1;
    if (figures->resources < 0 || figures->resources > FIGURES_RESOURCES ||
        a[USES]->shape[0] != figures->moves + 1 || a[FIXED]->shape[0] != figures->moves ||
        a[RESOURCE]->shape[0] != a[SHARE]->shape[0] || !moves_valid(figures, a[RESOURCE]->shape[0]))
        return rt_error_set(error, RT_DATA, "%s: the figures of the moves are damaged", path);
    return RT_OK;
}
