/* choose: a block a sequence. */
#include "choice.h"

rt_status kernel_choose(rt_rank *rank, const void *args) {
    enum { THREADS = 128 };
    const struct choose_args *a = args;
    const rt_choice *choice = rt_choice_of(rank);
    const void *best = rt_at(rank, a->best);
    void *next = rt_at(rank, a->next);
    int32_t stride = (int32_t)choice_width(a->candidates);
    if (!choice_cuts(choice))
        return rt_cuda_launch(rank, F_CHOOSE_BEST, grid_of((uint32_t)a->sequences, THREADS),
                              (void *[]){(void *)&best, (void *)&next, (void *)&a->members,
                                         (void *)&a->sequences, &stride});
    const uint64_t *keys = rt_cuda_choice_keys(rank);
    double temperature = choice->temperature, top_p = choice->top_p;
    int32_t top_k = choice->top_k, tag = rt_cuda_tag(rank);
    struct rt_fault *fault = rt_cuda_fault(rank);
    return rt_cuda_launch(rank, F_CHOOSE_LIKELY, grid_of((uint32_t)a->sequences, THREADS),
                          (void *[]){&best, &next, &keys, (void *)&a->members,
                                     (void *)&a->sequences, (void *)&a->candidates,
                                     (void *)&a->first, &temperature, &top_p, &top_k, &fault,
                                     &tag});
}
