/* holds: what ranks hold, in words, and which of them are drawn together. Private to gen/show. */
#pragma once

#include "base/buf.h"
#include "schedule/place.h"
#include "schedule/schedule.h"

/* What a rank is there for. */
enum { HOLDS_ATTENTION = 1, HOLDS_EXPERTS = 2, HOLDS_SORTS = 4 };
int holds_sort(const Place *place);
/* "attention", "experts", "attention and experts" */
extern const char *const holds_sort_names[HOLDS_SORTS];

/* Experts of the first layer that the rank has any of: "0-3, 8", "0-15 columns 0-4095"; "none". */
void holds_experts(const Place *place, const Model *model, Buf *out);

/* Sequences of the whole batch that the rank attends to; empty: none. */
Range holds_sequences(const Plan *plan, const Place *place);

/* Ranks of a node that are there for the same, in the same copy and stage. */
typedef struct HoldsGroup {
    int64_t node, sort, copy, stage;
    IntList ranks;
} HoldsGroup;

typedef struct HoldsGroups {
    LIST_OF(HoldsGroup) list; /* by their first rank */
    int64_t *of;              /* [world] the group of a rank */
} HoldsGroups;

HoldsGroups holds_groups(Arena *arena, const Schedule *schedule, const Place *places);

/* The deployment in a sentence or two. */
void holds_sentence(const Schedule *schedule, const Place *places, Buf *out);
