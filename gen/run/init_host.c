/* init_host: what this host is made of, from /proc and /sys, and how fast a core copies. Where the system does
 * not say, the figure is that of a small machine, and the topology's comments show it to the reader. */
#include "run/init.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FEWEST_PROCESSES = 4, MOST_PROCESSES = 16, CORES_MAX = 4096, COPY_BYTES = 64 << 20 };

/* The first number in a file, or `fallback`. */
static double number_in(const char *path, const char *format, double fallback) {
    char line[256];
    double value;
    FILE *file = fopen(path, "r");
    bool found = false;
    while (!found && file && fgets(line, sizeof line, file))
        found = sscanf(line, format, &value) == 1;
    if (file)
        fclose(file);
    return found ? value : fallback;
}

static int compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t distinct(int64_t *items, int64_t count) {
    int64_t found = 0;
    qsort(items, (size_t)count, sizeof *items, compare);
    for (int64_t i = 0; i < count; i++)
        found += i == 0 || items[i] != items[i - 1];
    return found;
}

/* Cores and sockets among the processors that we may use: two threads of a core share its arithmetic. */
static void count_cores(InitHost *host) {
    int64_t cores[CORES_MAX], sockets[CORES_MAX], count = 0;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        CPU_SET(0, &allowed);
    for (int cpu = 0; cpu < CPU_SETSIZE && count < CORES_MAX; cpu++) {
        char path[96];
        if (!CPU_ISSET(cpu, &allowed))
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/physical_package_id",
                 cpu);
        int64_t socket = (int64_t)number_in(path, "%lf", 0);
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/core_id", cpu);
        int64_t core = (int64_t)number_in(path, "%lf", cpu);
        sockets[count] = socket;
        cores[count++] = socket * (1 << 20) + core;
    }
    host->sockets = distinct(sockets, count);
    host->cores = distinct(cores, count);
}

/* Two fused multiply-adds a cycle on vectors of the widest kind. */
static int64_t flops_per_cycle(void) {
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return 64;
    if (__builtin_cpu_supports("fma"))
        return 32;
    return 8; /* SSE: a multiplication and an addition */
#else
    return 16;
#endif
}

static double clock_rate(void) {
    double khz = number_in("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "%lf", 0);
    double mhz = number_in("/proc/cpuinfo", "cpu MHz : %lf", 2000);
    return khz > 0 ? khz * 1e3 : mhz * 1e6;
}

static double memory_size(void) {
    double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
    double limit = number_in("/sys/fs/cgroup/memory.max", "%lf", all);
    return limit < all ? limit : all;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* The best of a few copies; the first also brings the pages. */
static double copy_rate(void) {
    char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
    double best = 1;
    for (int i = 0; from && to && i < 4; i++) {
        memset(from, i, COPY_BYTES);
        double begin = now();
        memcpy(to, from, COPY_BYTES);
        __asm__ volatile("" ::"r"(to) : "memory"); /* the copy is wanted for its time */
        double seconds = now() - begin;
        best = seconds < best ? seconds : best;
    }
    free(from);
    free(to);
    return COPY_BYTES / best;
}

void init_host(InitHost *host) {
    *host = (InitHost){.flops_per_cycle = flops_per_cycle(),
                       .clock = clock_rate(),
                       .memory = memory_size(),
                       .copied = copy_rate()};
    count_cores(host);
    host->processes = host->cores < FEWEST_PROCESSES ? FEWEST_PROCESSES
                      : host->cores > MOST_PROCESSES ? MOST_PROCESSES
                                                     : host->cores;
}
