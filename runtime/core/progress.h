/* progress: one line on a terminal that says how far rank 0 is, written over as it goes on. Anywhere else, and
 * with --quiet, there is none. It is removed before anything that stays is written. */
#pragma once

#include "core/rank.h"

/* Whether this process may draw: a terminal that can, and no --quiet. */
bool rt_progress_wanted(const rt_options *options);

/* Draw the line, at most ten times a second, so that it costs nothing. For the rank that shows progress; nothing
 * happens on others. */
void rt_progress(rt_rank *rank, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Remove the line. */
void rt_progress_end(rt_rank *rank);

/* The same for what another process, now dead, may have left. */
void rt_progress_clear(const rt_options *options);
