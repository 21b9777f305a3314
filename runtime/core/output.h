/* output: files for other tools: logits as .npy, the measured time line as Chrome JSON; and text as a JSON
 * string. Written by the launcher from the segment, after the ranks have ended. */
#pragma once

#include "core/segment.h"

#include <stdio.h>

/* float32 [sequences][longest][vocabulary]; NaN past the end of a sequence. */
rt_status rt_output_logits(const rt_segment *segment, const char *path, rt_error *error);

/* float64 [rows][columns] as .npy. */
rt_status rt_output_doubles(const char *path, int64_t rows, int64_t columns, const double *values,
                            rt_error *error);

/* Complete events: pid = rank, tid = stream, microseconds since the first event. */
rt_status rt_output_trace(const rt_segment *segment, const char *path, rt_error *error);

/* Write `text` quoted and escaped. */
void rt_output_string(FILE *file, const char *text);
