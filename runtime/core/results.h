/* results: what a finished run leaves: tokens, counters and times of all ranks, gathered from the segment
 * into arrays that rt_results owns (but for the tokens, which stay in the segment). */
#pragma once

#include "core/segment.h"

typedef struct rt_results {
    int64_t steps[2];        /* prefill, decode steps run */
    const int32_t *tokens;   /* [sequences][max_new] */
    int64_t *operations;     /* [ranks][kinds] */
    int64_t *bytes;          /* [ranks from][ranks to] */
    int64_t *weights;        /* [ranks] */
    double *prefill_s;       /* [waves] */
    double *decode_s;        /* [steps[1]] */
    double *busy_s, *wait_s; /* [ranks][kinds] */
} rt_results;

rt_status rt_results_gather(rt_results *results, const rt_segment *segment, rt_error *error);
void rt_results_free(rt_results *results);

/* DIR/results.rta; the directory is made when it is not there. */
rt_status rt_results_write(const rt_results *results, const rt_segment *segment, const char *dir,
                           rt_error *error);

/* Write dir/name, making the folder; one that was made goes again if the file cannot be written. */
rt_status rt_results_save(const char *dir, const char *name, const char *digest,
                          const rt_array *arrays, int count, rt_error *error);
