/* meaning: memory of symbols, for running a schedule without numbers. A byte of a slab is a sum of bytes of values;
 * values are digests of what made them. Spans that continue each other read the same however they were cut, and the
 * parts of a sum have no order. All of it lies in the caller's arena. */
#pragma once

#include "mutate.h"

typedef struct MeaningPart {
    uint64_t value;
    int64_t at; /* the first byte of the span is this byte of the value */
} MeaningPart;

/* Bytes [begin, end): the sum of the parts. */
typedef struct MeaningSpan {
    int64_t begin, end, count;
    const MeaningPart *parts; /* ascending */
} MeaningSpan;

typedef LIST_OF(MeaningSpan) MeaningSpans;

/* A slab: ascending spans without overlap; between them nothing was written. */
typedef struct MeaningSlab {
    Arena *arena;
    MeaningSpans spans;
} MeaningSlab;

/* What a rank executed in a step, in program order, and the bytes of its slab that each execution touched. */
typedef struct MeaningTouch {
    int64_t execution;
    Range bytes;
    bool writes;
} MeaningTouch;

typedef struct MeaningRank {
    LIST_OF(const Op *) executed;
    LIST_OF(MeaningTouch) touches;
} MeaningRank;

/* Whether streams and waits order all touches of common bytes of which one writes: by the transitive closure over all
 * executions, pair by pair (meaning_order.c). */
bool meaning_is_ordered(const RankSchedule *rank, const MeaningRank *of);

uint64_t meaning_mix(uint64_t a, uint64_t b);

void meaning_write(MeaningSlab *slab, int64_t begin, int64_t end, uint64_t value);
uint64_t meaning_read(const MeaningSlab *slab, int64_t begin, int64_t end);
/* The value that fills the bytes from its first one on, 0 if it is not just one. */
uint64_t meaning_value(const MeaningSlab *slab, int64_t begin, int64_t end);
/* What [begin, end) holds, spans counted from `begin`; gaps are filled with a value of their own. */
MeaningSpans meaning_copy(const MeaningSlab *slab, int64_t begin, int64_t end);
void meaning_paste(MeaningSlab *slab, int64_t begin, const MeaningSpans *spans);
/* Their sum, piece by piece. */
MeaningSpans meaning_add(Arena *arena, const MeaningSpans *a, const MeaningSpans *b);
