/* check_element: elements as the tests see them where the kernels of a target say nothing of them to their host:
 * CHECK_ELEMENT is 32 (float), 16 (bfloat16) or 5 (half). */
#pragma once

#include "rt_format.h"

#if CHECK_ELEMENT == 32
typedef float elem_t;
static inline float elem_load(elem_t value) {
    return value;
}
static inline elem_t elem_store(float value) {
    return value;
}
#elif CHECK_ELEMENT == 16
typedef uint16_t elem_t;
static inline float elem_load(elem_t value) {
    return rt_from_bf16(value);
}
static inline elem_t elem_store(float value) {
    return rt_to_bf16(value);
}
#else
typedef uint16_t elem_t;
static inline float elem_load(elem_t value) {
    return rt_from_f16(value);
}
static inline elem_t elem_store(float value) {
    return rt_to_f16(value);
}
#endif
