/* read_schema: the keys of schedule.json as data, and what they are read into: the schedule by role, with texts where
 * a column may stand for a number. read.c makes a Schedule of it. Private to the reader. */
#pragma once

#include "schedule/schedule.h"

typedef struct ArgumentText {
    const char *name, *value; /* of a buffer: its name; else a number, or a column's name */
    const char *delta;        /* the same; "0" */
} ArgumentText;

typedef struct OpText {
    LIST_OF(ArgumentText) arguments;
    const char *channel, *exchange; /* a number, a column's name, or "" */
    int64_t id, kind, lag, microbatch, part, stream;
    bool per_layer, records;
    const char *rule;
    IntList waits;
} OpText;

typedef struct SegmentText {
    Range layers;
    LIST_OF(OpText) operations;
} SegmentText;

typedef struct RoleStepText {
    const char *name;
    bool captured;
    LIST_OF(SegmentText) segments;
} RoleStepText;

typedef struct ColumnText {
    const char *name;
    IntList values; /* of each rank of the role */
} ColumnText;

/* Sizes of a buffer by rank, where they differ; empty: they do not. */
typedef struct VaryingText {
    int64_t buffer;
    IntList bytes, first_layer, layers;
    TextList shape;
} VaryingText;

typedef struct RoleText {
    const char *name;
    IntList ranks;
    LIST_OF(Buffer) buffers; /* of the first rank */
    LIST_OF(ColumnText) columns;
    LIST_OF(VaryingText) varying;
    LIST_OF(RoleStepText) steps;
    int64_t slab_bytes, state_bytes, state_offset;
} RoleText;

typedef struct RouteRowText {
    Range layers;
    IntList slot, target;
} RouteRowText;

typedef struct RouteText {
    LIST_OF(RouteRowText) rows;
} RouteText;

typedef struct ScheduleText {
    LIST_OF(Channel) channels;
    LIST_OF(Exchange) exchanges;
    LIST_OF(RoleText) roles;
    LIST_OF(RouteText) routes;
    LIST_OF(ScheduleStep) steps;
    const char *plan;
    int64_t experts, layers, parts, row_bytes, schema_version, top_k, world;
} ScheduleText;

extern const Schema schedule_text_schema;
