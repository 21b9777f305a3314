/* capacity: an expert takes ceil(factor x length x top_k / experts) choices of a sequence, by position, then by choice;
 * the rest are dropped, but not from what all tokens pass. A block takes the choices of a sequence in order, as many
 * at a time as it has threads: how many of an expert came before a choice follows from those before this lot and,
 * within it, from the threads before. */
#include "scan.cuh"

/* positions [sequences][tokens], choice [sequences][tokens][CHOICES], taken [sequences][EXPERTS] */
extern "C" __global__ void capacity(const int *positions, int *choice, int *taken, int tokens) {
    __shared__ int lot[256];
    const int all = tokens * CHOICES, me = threadIdx.x;
    int length = 0;
    positions += (long_t)blockIdx.x * tokens;
    choice += (long_t)blockIdx.x * all;
    taken += (long_t)blockIdx.x * EXPERTS;
    for (int t = me; t < tokens; t += blockDim.x)
        length += positions[t] >= 0;
    length = block_total(length);
    for (int e = me; e < EXPERTS; e += blockDim.x)
        taken[e] = 0;
    const long_t limit = (long_t)ceil(CAPACITY_FACTOR * (double)length * TOP_K / EXPERTS);

    for (int first = 0; first < all; first += blockDim.x) {
        const int at = first + me;
        const int has = at < all ? choice[at] : -1, expert = has < EXPERTS ? has : -1;
        __syncthreads(); /* all that came before is in `taken` */
        lot[me] = expert;
        __syncthreads();
        if (expert >= 0) {
            int before = taken[expert];
            for (int i = 0; i < me; ++i)
                before += lot[i] == expert;
            if (before >= limit)
                choice[at] = -1;
        }
        __syncthreads(); /* nobody reads `taken` any more */
        if (expert >= 0)
            atomicAdd(&taken[expert], 1);
    }
}
