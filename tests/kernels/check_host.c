/* check_host: what stands for the runtime of the host: threads and vectors. */
#include "check.h"

#include "host/tune.h"

static rt_vectors vectors; /* that kernels use */

rt_vectors rt_vectors_of(const rt_rank *rank) {
    (void)rank;
    return vectors;
}

rt_vectors widest_vectors(void) {
    rt_tune tune;
    rt_error error = {0};
    rt_tune_read(&tune, 1, &error);
    return tune.vectors;
}

/* From the end, in ranges of any allowed length: results must not depend on either. */
void rt_parallel(rt_rank *rank, int64_t count, int64_t grain, rt_part_fn part,
                 const void *context) {
    (void)rank;
    for (int64_t end = count, begin; end > 0; end = begin) {
        begin = (end - 1) / grain * grain - random_below(4) * grain;
        begin = begin < 0 ? 0 : begin;
        part(context, begin, end);
    }
}

rt_status rt_error_set(rt_error *error, rt_status status, const char *format, ...) {
    (void)format;
    return error->status = status;
}

rt_status run_kernel(rt_kernel_fn kernel, const void *args) {
    return kernel(NULL, args);
}

void target_open(const char *module) {
    (void)module;
}

/* Every 16-bit pattern is loaded as rt_format.h says; what was loaded is stored unchanged. */
static void check_elements_exact(void) {
    for (uint32_t bits = 0; sizeof(elem_t) == 2 && bits < 65536; ++bits) {
        float expected =
            ELEMENT_IS_BF16 ? rt_from_bf16((uint16_t)bits) : rt_from_f16((uint16_t)bits);
        float loaded = elem_load((elem_t)bits);
        check(memcmp(&loaded, &expected, sizeof loaded) == 0 || (isnan(loaded) && isnan(expected)),
              "element", "loaded differs", bits);
        check(isnan(loaded) || elem_store(loaded) == (elem_t)bits, "element", "stored differs",
              bits);
    }
}

/* Products with every level of vectors; all that follows with the widest. */
void target_checks(void) {
    const rt_vectors widest = widest_vectors();
    check_elements_exact();
    check_sets();
    for (int v = RT_VECTORS_PLAIN; v <= (int)widest; ++v) {
        vectors = (rt_vectors)v;
        check_products();
    }
}

const int target_draws = 40000;

const char *target_name(void) {
    static char name[32];
    snprintf(name, sizeof name, "up to %s", rt_tune_name(widest_vectors()));
    return name;
}
