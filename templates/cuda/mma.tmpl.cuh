/* mma: products of small matrices on tensor cores, and what feeds them. A warp holds a matrix in pieces: with g = lane / 4
 * and t = lane % 4, of a [16][16] its lanes hold the words (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8), each two
 * elements of a row; of b [16][8], as its columns, (2t, g) and (2t + 8, g); of sums [16][8] the numbers (g, 2t),
 * (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1). This is the layout of mma.m16n8k16 and ldmatrix in the PTX ISA, sections
 * 9.7.14 and 9.7.15; cp.async is its section 9.7.9.25. All lanes of a warp must call. Tests on a
 * processor take a file of their own in its place (tests/standin/shim_mma.h). */
#pragma once

#include "kernel.cuh"
//% if view.dtype ~= "f32" then

/* sums += a x b, elements as they are stored, sums in float32 */
static __device__ __forceinline__ void mma(float (&sums)[4], const word_t (&a)[4], word_t b0,
                                           word_t b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.$(view.dtype).$(view.dtype).f32 {%0, %1, %2, %3}, "
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

/* Two elements in a word. */
static __device__ __forceinline__ word_t pack(float low, float high) {
    word_t both;
    asm("cvt.rn.$(view.dtype)x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

/* Four matrices [8][8] from shared memory; lane i gives the address of row i % 8 of matrix i / 8, 16 bytes that are
 * aligned to 16. */
static __device__ __forceinline__ void load_matrices(word_t (&to)[4], const elem_t *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((word_t)__cvta_generic_to_shared(row))
                 : "memory");
}

/* The same, each matrix transposed. */
static __device__ __forceinline__ void load_columns(word_t (&to)[4], const elem_t *row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((word_t)__cvta_generic_to_shared(row))
                 : "memory");
}

/* 16 bytes of global to shared memory while the thread goes on, or zeros where `there` is false; both aligned to 16. The
 * bytes are there, for this thread, after copies_done; for others after a barrier behind it. */
static __device__ __forceinline__ void copy_async(elem_t *to, const elem_t *from, bool there) {
    asm volatile(
        "cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((word_t)__cvta_generic_to_shared(to)),
        "l"(from), "r"(there ? 16 : 0)
        : "memory");
}

/* What was begun since the last call is one group. */
static __device__ __forceinline__ void copies_close() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* All groups but the LEFT last ones are there, as after copies_done. */
template <int LEFT> static __device__ __forceinline__ void copies_left() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

static __device__ __forceinline__ void copies_done() {
    asm volatile("cp.async.commit_group;\ncp.async.wait_group 0;" ::: "memory");
}
//% end
