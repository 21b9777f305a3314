/* linear: a product by cuBLAS, which adds to the bias where there is one. */
#include "kernel.h"

static rt_status put_bias(rt_rank *rank, const struct linear_args *a) {
    enum { THREADS = 128, SPAN = 2048 }; /* elements of a row a block */
    const void *bias = rt_at(rank, a->bias);
    void *out = rt_at(rank, a->out);
    int32_t span = SPAN, spans = (int32_t)blocks_of(a->outputs, SPAN);
    return rt_cuda_launch(rank, F_LINEAR_BIAS,
                          grid_of((uint32_t)a->rows * (uint32_t)spans, THREADS),
                          (void *[]){&bias, &out, (void *)&a->outputs, &span, &spans});
}

rt_status kernel_linear(rt_rank *rank, const void *args) {
    const struct linear_args *a = args;
    if (a->rows == 0 || a->outputs == 0)
        return RT_OK;
    if (a->bias >= 0)
        RT_TRY(put_bias(rank, a));
    return rt_cuda_product(rank, &(rt_product){
                                     .in = rt_at(rank, a->in),
                                     .weight = rt_at(rank, a->weight),
                                     .out = rt_at(rank, a->out),
                                     .in_stride = a->inputs,
                                     .weight_stride = a->inputs,
                                     .out_stride = a->outputs,
                                     .rows = a->rows,
                                     .inputs = a->inputs,
                                     .outputs = a->outputs,
                                     .type = $(view.type),
                                     .out_type = $(view.type),
                                     .add = a->bias >= 0,
                                 });
}
