/* rt_cuda: what the host side of CUDA kernels (kernels/KIND.c of a program for that target) sees beside rt.h. There rt_at
 * gives addresses on the device, and all calls below put work on the stream of the operation under way and return at
 * once. Failures are told with rt_fail. */
#pragma once

#include "rt.h"

/* Blocks, threads of a block, bytes of dynamic shared memory. */
typedef struct rt_grid {
    uint32_t x, y, z;
    uint32_t threads;
    uint32_t shared;
} rt_grid;

/* Run function `function` of the program's module; `arguments` are the addresses of its parameters. A grid without blocks
 * runs nothing. */
rt_status rt_cuda_launch(rt_rank *rank, int function, rt_grid grid, void **arguments);

/* out [rows][outputs] = in [rows][inputs] x weight^T (weight [outputs][inputs]), or x weight ([inputs][outputs]) where
 * `plain`; strides are elements between rows. Sums are in float32. Elements of in and weight have one type, those of out
 * this or float32. By cuBLAS, whose workspace lies in the slab. */
typedef struct rt_product {
    const void *in, *weight;
    void *out;
    int64_t in_stride, weight_stride, out_stride;
    int64_t rows, inputs, outputs;
    rt_type type, out_type;
    bool plain;
    bool add; /* to what `out` has, which then is float32 or of the type */
} rt_product;
rt_status rt_cuda_product(rt_rank *rank, const rt_product *product);

/* Bytes of the device to the host: there when the step is over. Not in captured steps. */
rt_status rt_cuda_read(rt_rank *rank, void *to, const void *from, int64_t bytes);
rt_status rt_cuda_clear(rt_rank *rank, void *at, int64_t bytes);

/* Where numbers of one of the program's tables (rt_program.table) lie on the device. */
const void *rt_cuda_table(const rt_rank *rank, const void *numbers);

/* Keys of the noise of this step's tokens (rt_choice_key), uint64_t [batch], on the device. */
const uint64_t *rt_cuda_choice_keys(const rt_rank *rank);

/* Where a kernel says what is wrong (templates/cuda/fault.h): the rank fails at the end of the step, naming the operation. A
 * launch passes it on with rt_cuda_tag. */
struct rt_fault *rt_cuda_fault(rt_rank *rank);
/* Operation and layer under way, for the fault. */
int32_t rt_cuda_tag(const rt_rank *rank);

/* Of the device: multiprocessors, and the most dynamic shared memory of a block. */
int32_t rt_cuda_processors(const rt_rank *rank);
int32_t rt_cuda_shared_bytes(const rt_rank *rank);
