/* tune: see tune.h. It keeps nothing: who asks twice gets the same answer twice. */
#include "host/tune.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { MOST_THREADS = 1024 };

static const char *const names[] = {
    [RT_VECTORS_PLAIN] = "plain",
    [RT_VECTORS_AVX2] = "avx2",
    [RT_VECTORS_AVX512] = "avx512",
};

const char *rt_tune_name(rt_vectors vectors) {
    return names[vectors];
}

/* The widest vectors that processor and kernel of the system offer. */
static rt_vectors widest(void) {
#if defined(__x86_64__)
    unsigned eax, ebx, ecx = 0, edx;
    bool halves = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
    if (!halves || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return RT_VECTORS_PLAIN;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return RT_VECTORS_AVX512;
    return RT_VECTORS_AVX2;
#else
    return RT_VECTORS_PLAIN;
#endif
}

static rt_status read_vectors(rt_vectors *vectors, rt_error *error) {
    const char *text = getenv("RT_VECTORS");
    const rt_vectors most = widest();
    *vectors = most;
    if (!text)
        return RT_OK;
    for (int v = RT_VECTORS_PLAIN; v <= RT_VECTORS_AVX512; ++v) {
        if (strcmp(text, names[v]) != 0)
            continue;
        if (v > (int)most)
            return rt_error_set(error, RT_UNAVAILABLE,
                                "RT_VECTORS is %s, this processor has no more than %s", text,
                                names[most]);
        *vectors = (rt_vectors)v;
        return RT_OK;
    }
    return rt_error_set(error, RT_USAGE, "RT_VECTORS is \"%.40s\"; write plain, avx2 or avx512",
                        text);
}

static rt_status read_threads(int *threads, int local_ranks, rt_error *error) {
    const char *text = getenv("RT_THREADS");
    if (text) {
        char *end;
        long count = strtol(text, &end, 10);
        if (end == text || *end || count < 1 || count > MOST_THREADS)
            return rt_error_set(error, RT_USAGE,
                                "RT_THREADS is \"%.40s\"; write the threads of a rank, 1 to %d",
                                text, MOST_THREADS);
        *threads = (int)count;
        return RT_OK;
    }
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    *threads = cores / (local_ranks > 0 ? local_ranks : 1);
    *threads = *threads < 1 ? 1 : *threads < MOST_THREADS ? *threads : MOST_THREADS;
    return RT_OK;
}

rt_status rt_tune_read(rt_tune *tune, int local_ranks, rt_error *error) {
    *tune = (rt_tune){.vectors = RT_VECTORS_PLAIN, .threads = 1};
    RT_TRY(read_vectors(&tune->vectors, error));
    return read_threads(&tune->threads, local_ranks, error);
}
