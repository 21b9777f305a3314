/* What the files of program $(view.name) share. Made by gen: do not edit. */
#pragma once

#include "constants.h"
#include "rt.h"

#if RT_ABI_VERSION != 4
#error "this program was made for version 4 of the runtime: make it again, or take that runtime"
#endif

/* A step of a role (role_NAME.c). */
//% for _, name in ipairs(view.functions) do
rt_status $(name)(rt_rank *rank);
//% end

/* Launch table (kernels/launch.c), by kernel id of ops.h. */
extern const rt_kernel_fn kernels[];
/* Code for devices, as the target makes it (kernels/). */
extern const rt_module module;

/* Who is where and holds what (places.c). */
extern const rt_place places[];
extern const rt_node nodes[];

/* Who sends what to whom (moves.c). */
//% if #view.channels > 0 then
extern const rt_channel channels[];
//% end
//% if #view.exchanges > 0 then
extern const rt_exchange exchanges[];
//% end
//% if #view.routes > 0 then
/* Of a route table at a layer: its row of `routes`, where each part of each expert has a target (in exchanges) and a
 * slot there. */
extern const int32_t route_rows[][LAYERS];
extern const int16_t routes[][ROUTED][PARTS][2];
//% end

extern const rt_program program;
