/* read_along: going along a schedule that was read: what a rank does next, where ranks meet and what they bring. It keeps
 * no rule, and shares no code with walk.c, by which the proof goes along. */
#pragma once

#include "schedule/schedule.h"

/* Where a rank is in its program of a step: what it did last, and the layer that this works on (-1: none). */
typedef struct Along {
    int64_t segment, round, index; /* of what comes next */
    int64_t op, layer;
} Along;

/* The next operation in program order; NULL at the end. */
const Op *along_next(const RankSchedule *rank, int64_t step, Along *at);

/* Where an operation meets others: its channel, or past the channels two an exchange; -1: it meets nobody. */
int64_t along_place(const Schedule *schedule, const Op *op);
int64_t along_places(const Schedule *schedule);
const char *along_name(const Schedule *schedule, int64_t place); /* for people */
/* Who meets at each place, ascending. */
IntList *along_members(Arena *arena, const Schedule *schedule);

/* Bytes that a rank brings to a meeting; of an exchange all windows at their bounds. */
int64_t along_bytes(const Schedule *schedule, const Op *op);

/* Bytes of a unit of a collective, 0 of other moves. */
int64_t along_unit(const Op *op);

/* Bytes of the slab that a buffer takes in any rank of a role. */
Range along_bytes_of(const Schedule *schedule, const Role *role, int64_t buffer);
bool along_share(Range a, Range b); /* any byte */

/* Bytes that a move takes of an argument from its place in the buffer on; 0 where only a kernel or an exchange knows. */
int64_t along_reach(const Op *op, int argument);
