/* dot: the set for processors with AVX-512 (F, BW, VL). */
#include "dot.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define DOT __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,f16c")))
#define VEC static inline __attribute__((always_inline)) DOT
#define DOT_SET dot_avx512
#define DOT_MOST_ROWS INT64_MAX

enum { DOT_ROWS = 8, DOT_VECTORS = 2, HALF = DOT_LANES / 2 };

typedef struct vec {
    __m512 low, high;
} vec;

VEC vec vec_set(float value) {
    return (vec){_mm512_set1_ps(value), _mm512_set1_ps(value)};
}

VEC vec vec_load(const float *from) {
    return (vec){_mm512_loadu_ps(from), _mm512_loadu_ps(from + HALF)};
}

VEC vec vec_load_elem(const elem_t *from) {
    return vec_load(from);
}

VEC void vec_store(float *to, vec value) {
    _mm512_storeu_ps(to, value.low);
    _mm512_storeu_ps(to + HALF, value.high);
}

VEC vec vec_add_product(vec sum, vec a, vec b) {
    return (vec){_mm512_fmadd_ps(a.low, b.low, sum.low), _mm512_fmadd_ps(a.high, b.high, sum.high)};
}

VEC float vec_sum(vec value) {
    __m512 sixteen = _mm512_add_ps(value.low, value.high);
    __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(sixteen), 1));
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sixteen), upper);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#include "dot_loops.h"
#endif
