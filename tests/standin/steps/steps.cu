/* steps: device code of the program of steps.h. One thread a sequence. */
#include "cuda/moves.cu"

#include "steps_args.h"

extern "C" __global__ void steps_first(struct steps_args a) {
    const int s = threadIdx.x;
    if (s >= a.sequences)
        return;
    const int *ids = a.ids + s * a.tokens, *positions = a.positions + s * a.tokens;
    int row = a.tokens - 1;
    while (row > 0 && positions[row] < 0)
        --row;
    a.values[s] = steps_begin(ids[row], positions[row]);
    if (positions[row] == a.spoil)
        rt_moves_tell(a.fault, RT_FAULT_ENTRY, a.tag, 4711, 0.0f);
}

/* Who traps is told of by a later call, as accesses outside of memory are. */
extern "C" __global__ void steps_times(struct steps_args a) {
    if (a.wrong == a.layer)
        __trap();
    if ((int)threadIdx.x < a.sequences)
        a.values[threadIdx.x] = steps_multiplied(a.values[threadIdx.x], a.layer);
}

extern "C" __global__ void steps_plus(struct steps_args a) {
    if ((int)threadIdx.x < a.sequences)
        a.values[threadIdx.x] = steps_added(a.values[threadIdx.x]);
}

extern "C" __global__ void steps_last(struct steps_args a) {
    if ((int)threadIdx.x >= a.sequences)
        return;
    const int value = a.values[threadIdx.x] % STEPS_VOCABULARY;
    a.next[threadIdx.x] = value;
    for (int i = 0; i < STEPS_INPUTS; ++i)
        a.in[threadIdx.x * STEPS_INPUTS + i] = (float)(value + i);
}
