/* shim_mma: what templates/cuda/mma.tmpl.cuh wraps, on a processor: module.sh puts it in that header's place. A warp's
 * pieces are gathered and every lane makes its own part of the product, in double precision, since the order in which
 * tensor cores add is not told. Asynchronous copies are made as late as they may be: until copies_done there is garbage. */
#pragma once

#include "kernel.cuh"

#include <pthread.h>
#include <stdlib.h>

static inline void mma_at(float (&sums)[4], const word_t (&a)[4], word_t b0, word_t b1,
                          const char *file, int line) {
    struct piece {
        word_t a[4], b[2];
    } mine = {{a[0], a[1], a[2], a[3]}, {b0, b1}}, all[WARP];
    shim_gather(FULL, &mine, sizeof mine, all, file, line);
    const int lane = (int)(threadIdx.x % WARP), g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
        const int row = i / 2, column = 2 * t + i % 2;
        double sum = sums[i];
        for (int k = 0; k < 16; ++k) {
            const int holder = k % 8 / 2, half = k / 8, shift = k % 2 * 16;
            const word_t left = all[g * 4 + holder].a[row + 2 * half] >> shift;
            const word_t right = all[column * 4 + holder].b[half] >> shift;
            sum += (double)elem_load((elem_t)left) * (double)elem_load((elem_t)right);
        }
        sums[i] = (float)sum;
    }
}

static inline word_t pack(float low, float high) {
    return (word_t)elem_store(low) | (word_t)elem_store(high) << 16;
}

static inline void load_at(word_t (&to)[4], const elem_t *row, bool transposed, const char *file,
                           int line) {
    const elem_t *rows[WARP];
    if ((uintptr_t)row % 16 != 0)
        shim_trap(file, line);
    shim_gather(FULL, &row, sizeof row, rows, file, line);
    const int lane = (int)(threadIdx.x % WARP), g = lane / 4, t = lane % 4;
    for (int i = 0; i < 4; ++i) {
        const elem_t *const *matrix = rows + 8 * i;
        const elem_t low = transposed ? matrix[2 * t][g] : matrix[g][2 * t];
        const elem_t high = transposed ? matrix[2 * t + 1][g] : matrix[g][2 * t + 1];
        to[i] = (word_t)low | (word_t)high << 16;
    }
}

/* Copies that a thread has begun, oldest first; of the threads that a processor's thread runs. Not thread_local: what is
 * so here is a block's shared memory. */
enum { COPIES = 64, COPYING = 512 };
struct copies {
    int count, closed; /* groups */
    struct {
        int group;
        elem_t *to;
        const elem_t *from; /* NULL: zeros */
    } begun[COPIES];
};
static pthread_key_t copies_key;

/* ThreadSanitizer takes calloc for a write of the fibre that comes first. */
extern "C" {
__attribute__((weak)) void AnnotateIgnoreWritesBegin(const char *, int);
__attribute__((weak)) void AnnotateIgnoreWritesEnd(const char *, int);
}

static inline struct copies *own_copies() {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, [] { pthread_key_create(&copies_key, free); });
    struct copies *all = (struct copies *)pthread_getspecific(copies_key);
    if (!all) {
        if (AnnotateIgnoreWritesBegin)
            AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
        all = (struct copies *)calloc(COPYING, sizeof *all);
        if (AnnotateIgnoreWritesEnd)
            AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
        pthread_setspecific(copies_key, all);
    }
    return &all[threadIdx.x];
}

static inline void copy_at(elem_t *to, const elem_t *from, bool there, const char *file, int line) {
    struct copies *own = own_copies();
    if ((uintptr_t)to % 16 != 0 || (uintptr_t)from % 16 != 0 || own->count == COPIES)
        shim_trap(file, line);
    memset((void *)to, 0xff, 16);
    own->begun[own->count].group = own->closed;
    own->begun[own->count].to = to;
    own->begun[own->count++].from = there ? from : nullptr;
}

static inline void copies_close() {
    ++own_copies()->closed;
}

template <int LEFT> static inline void copies_left() {
    struct copies *own = own_copies();
    int done = 0;
    for (; done < own->count && own->begun[done].group < own->closed - LEFT; ++done) {
        if (own->begun[done].from)
            memcpy(own->begun[done].to, own->begun[done].from, 16);
        else
            memset((void *)own->begun[done].to, 0, 16);
    }
    own->count -= done;
    memmove(own->begun, own->begun + done, (size_t)own->count * sizeof *own->begun);
}

static inline void copies_done() {
    copies_close();
    copies_left<0>();
}

#define mma(...) mma_at(__VA_ARGS__, __FILE__, __LINE__)
#define load_matrices(to, row) load_at(to, row, false, __FILE__, __LINE__)
#define load_columns(to, row) load_at(to, row, true, __FILE__, __LINE__)
#define copy_async(to, from, there) copy_at(to, from, there, __FILE__, __LINE__)
