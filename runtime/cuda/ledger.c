/* ledger: see ledger.h. */
#include "cuda/ledger.h"

static int64_t sum(int64_t a, int64_t b) {
    int64_t all;
    return __builtin_add_overflow(a, b, &all) ? INT64_MAX : all;
}

void rt_ledger_add(rt_ledger *ledger, int32_t rank, int64_t slab, int64_t workspaces,
                   int64_t others) {
    if (ledger->ranks++ == 0 || slab > ledger->largest_bytes) {
        ledger->largest = rank;
        ledger->largest_bytes = slab;
    }
    ledger->slabs = sum(ledger->slabs, slab);
    ledger->workspaces = sum(ledger->workspaces, workspaces);
    ledger->others = sum(ledger->others, others);
}

static double mib(int64_t bytes) {
    return (double)bytes / 1048576.0;
}

rt_status rt_ledger_check(const rt_ledger *ledger, int64_t free, int64_t total, int64_t reserve,
                          const char *device, rt_error *error) {
    int64_t taken = sum(sum(ledger->slabs, ledger->workspaces), ledger->others);
    if (sum(taken, reserve) <= free)
        return RT_OK;
    return rt_error_set(
        error, RT_UNAVAILABLE,
        "%s has %.1f MiB free of %.1f MiB; %d rank%s need%s %.1f MiB there: slabs %.1f (the "
        "largest, "
        "of rank %d, %.1f), workspaces of products %.1f, else %.1f, and %.1f are left to "
        "libraries; "
        "free the device of other programs, or plan for more GPUs, a shorter context or a smaller "
        "batch",
        device, mib(free), mib(total), ledger->ranks, ledger->ranks == 1 ? "" : "s",
        ledger->ranks == 1 ? "s" : "", mib(sum(taken, reserve)), mib(ledger->slabs),
        ledger->largest, mib(ledger->largest_bytes), mib(ledger->workspaces), mib(ledger->others),
        mib(reserve));
}
