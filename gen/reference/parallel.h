/* parallel: a loop's iterations spread over the machine's cores. The threads live from open to
 * close and belong to the Parallel. It knows nothing of what the iterations do; they must not
 * depend on each other. */
#pragma once

#include <stdint.h>

typedef struct Parallel Parallel;

/* Iterations [begin, end). */
typedef void (*ParallelBody)(void *context, int64_t begin, int64_t end);

/* `threads` in all, the caller's included; 0: one per core that this process may use. With fewer
 * threads than asked for, because the system has no more, it still works. */
Parallel *parallel_open(int64_t threads);
void parallel_close(Parallel *parallel);

/* Run the body over [0, count) and wait for the end. Loops are not nested. */
void parallel_for(Parallel *parallel, int64_t count, ParallelBody body, void *context);

int64_t parallel_threads(const Parallel *parallel);
