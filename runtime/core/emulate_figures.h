/* emulate_figures: what an emulation is told to take for each operation and move (rt_format.h, "figures"), read
 * and checked. Points into the array file, which the job owns. It knows no model that they come from. */
#pragma once

#include "core/array_file.h"

/* A move waits for fixed_s, then flows over its resources (a link's or NIC's direction) in step, in move_s when
 * nothing else does; of each it takes a share of what that carries. */
typedef struct rt_figures {
    const double *scale;     /* [steps] seconds of this host for a predicted one */
    const int64_t *op_first; /* [world + 1] */
    const double *op_s;      /* [entries] */
    const int32_t *op_move;  /* [entries] -1: none */
    int64_t moves, resources;
    const double *fixed_s, *move_s; /* [moves] */
    const int32_t *move_first;      /* [moves + 1] into: */
    const int32_t *use_resource;    /* [uses] */
    const double *use_share;        /* [uses] 0 to 1 */
} rt_figures;

/* Find the figures in a file that was read; RT_DATA when they are not there or not of this program. */
rt_status rt_figures_find(rt_figures *figures, const rt_arrays *file, const char *path,
                          const rt_program *program, rt_error *error);
