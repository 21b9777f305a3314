/* one_rank: a program of one rank that holds given weights and runs nothing, for tests of how weights are read and drawn.
 * It stays where it is between open and close: its tables point at each other. */
#pragma once

#include "core/rank.h"

typedef struct OneRank {
    rt_op op;
    rt_role role;
    rt_place place;
    rt_program program;
    rt_options options;
    rt_job job;
    rt_segment segment;
} OneRank;

/* Plan and map a segment with a slab of so many bytes; false where that fails. */
static inline bool one_rank_open(OneRank *one, int64_t slab, const rt_weight *weights,
                                 int32_t count) {
    rt_error error = {0};
    *one = (OneRank){
        .op = {"none", "none", 0, 0, 0, false, {-1, -1, -1, -1, -1, -1}, ""},
        .role = {"only", slab, 0, 0, &one->op, 1},
        .place = {0, 0, 0, 0, weights, count},
        .program = {.abi = RT_ABI_VERSION,
                    .name = "weights",
                    .version = "test",
                    .digest = "00112233445566aa",
                    .schedule = "123456789abcdef0",
                    .certificate = "23456789abcdef01",
                    .world = 1,
                    .roles = 1,
                    .places = &one->place,
                    .role = &one->role,
                    .batch = 1,
                    .prompt = 1,
                    .context = 1,
                    .vocabulary = 1,
                    .copies = 1,
                    .initializer_range = 0.02f},
        .job = {.program = &one->program,
                .options = &one->options,
                .sequences = 1,
                .longest = 1,
                .max_new = 1,
                .waves = 1},
    };
    return rt_segment_plan(&one->segment, &one->job, &error) == RT_OK &&
           rt_segment_map(&one->segment, -1, true, &error) == RT_OK;
}

static inline void one_rank_close(OneRank *one) {
    rt_segment_close(&one->segment);
}
