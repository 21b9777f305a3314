/* record: takes down every call that a rank makes, and the tables that it makes them with, in a file of its own
 * (rt_format.h), so that who has the schedule can compare. It knows no kernel: the program says how many
 * numbers a kernel takes. A rank that has no record pays a branch a call.
 *
 * The file is written through a mapping of it, so that what was recorded is there however the rank ends. A
 * backend that calls a library of its own may add entries between the calls with rt_record_put. */
#pragma once

#include "core/rank.h"

/* Begin the record of this rank where --record says, with the tables; nothing without it. */
rt_status rt_record_open(rt_rank *rank);
/* End it and return `status`, or RT_CANTCREAT where that was RT_OK. */
rt_status rt_record_close(rt_rank *rank, rt_status status);

/* A run of a step begins. */
rt_status rt_record_run(rt_rank *rank, int32_t step, int64_t wave, int64_t made);
/* A call is made; `args` is the struct that it takes. */
rt_status rt_record_call(rt_rank *rank, rt_call call, const int32_t ids[5], const void *args);
/* One entry. */
rt_status rt_record_put(rt_rank *rank, rt_record_tag tag, const int64_t *words, int64_t count);

static inline rt_status rt_recorded(rt_rank *rank, rt_call call, int op, int layer, int channel,
                                    int exchange, int kernel, const void *args) {
    if (!rank->record)
        return RT_OK;
    return rt_record_call(rank, call, (const int32_t[5]){op, layer, channel, exchange, kernel},
                          args);
}
