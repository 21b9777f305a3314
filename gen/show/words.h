/* words: operations and sets in words. Private to gen/show. */
#pragma once

#include "base/buf.h"
#include "schedule/schedule.h"

/* What an operation of a rank does, with sizes: "choose 2 of 8 experts for 12 owned rows". */
void words_op(const Schedule *schedule, int64_t rank, const Op *op, Buf *out);

/* "3", "3-5", or "none" for an empty range. */
void words_range(Range range, Buf *out);
/* When a loop over these layers runs: "layer 0", "each of layers 1-3", "after the last layer". */
void words_loop(Range layers, const Model *model, Buf *out);
/* "sequence 3", "sequences 3-5". */
void words_span(const char *thing, Range range, Buf *out);
/* "0-3, 7, 9-11". */
void words_ranks(const int64_t *ranks, int64_t count, Buf *out);
/* "12.3 kB" */
void words_bytes(int64_t bytes, Buf *out);
/* "1.62 ms" */
void words_seconds(double seconds, Buf *out);
/* "1 row", "3 rows" */
void words_count(int64_t count, const char *thing, Buf *out);
/* Spaces up to a column of the line that begins at byte `line` of the text; at least one. */
void words_pad(Buf *out, size_t line, size_t column);
/* Text broken at blanks so that no line is wider than 100 columns; further lines begin at
 * `indent`. The current line begins at byte `line` of the text. */
void words_wrap(const char *text, size_t line, int indent, Buf *out);
