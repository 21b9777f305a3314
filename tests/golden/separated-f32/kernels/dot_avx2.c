/* dot: the set for processors with AVX2, FMA and F16C. */
#include "dot.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define DOT __attribute__((target("avx2,fma,f16c")))
#define VEC static inline __attribute__((always_inline)) DOT
#define DOT_SET dot_avx2
#define DOT_MOST_ROWS DOT_FEW

enum { DOT_ROWS = 2, DOT_VECTORS = 1, EIGHT = 8 };

typedef struct vec {
    __m256 a, b, c, d;
} vec;

VEC vec vec_set(float value) {
    __m256 all = _mm256_set1_ps(value);
    return (vec){all, all, all, all};
}

VEC vec vec_load(const float *from) {
    return (vec){_mm256_loadu_ps(from), _mm256_loadu_ps(from + EIGHT),
                 _mm256_loadu_ps(from + 2 * EIGHT), _mm256_loadu_ps(from + 3 * EIGHT)};
}

VEC vec vec_load_elem(const elem_t *from) {
    return vec_load(from);
}

VEC void vec_store(float *to, vec value) {
    _mm256_storeu_ps(to, value.a);
    _mm256_storeu_ps(to + EIGHT, value.b);
    _mm256_storeu_ps(to + 2 * EIGHT, value.c);
    _mm256_storeu_ps(to + 3 * EIGHT, value.d);
}

VEC vec vec_add_product(vec sum, vec x, vec y) {
    return (vec){_mm256_fmadd_ps(x.a, y.a, sum.a), _mm256_fmadd_ps(x.b, y.b, sum.b),
                 _mm256_fmadd_ps(x.c, y.c, sum.c), _mm256_fmadd_ps(x.d, y.d, sum.d)};
}

VEC float vec_sum(vec value) {
    __m256 low = _mm256_add_ps(value.a, value.c), high = _mm256_add_ps(value.b, value.d);
    __m256 eight = _mm256_add_ps(low, high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#include "dot_loops.h"
#endif
