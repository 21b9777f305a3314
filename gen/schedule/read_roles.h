/* read_roles: what the parts of the reader of schedule.json share. read.c reads tables of moves and the whole, read_roles.c
 * what the ranks of each role do. Private to the reader; all memory is the caller's arena. */
#pragma once

#include "schedule/read_schema.h"

typedef struct Reader {
    Arena *arena;
    Diag *diag;
    DiagPlace place;
    const ScheduleText *text;
    Schedule *schedule;
    int64_t ops, executed, routed; /* so far, of all roles and tables */
} Reader;

/* Refuse the schedule: E0591. */
Status read_bad(const Reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Are these ranks of the world, at least one, each once and in their order? */
bool read_ascending(const Reader *reader, const IntList *ranks);
/* Is a rank one of these, which ascend? */
bool read_has_rank(const IntList *ranks, int64_t rank);
/* Does a rank send or receive rows of the exchange? */
bool read_is_end(const Exchange *exchange, int64_t rank);

/* All roles, and the ranks of them, once channels, exchanges and routes are read. */
Status read_roles(Reader *reader);
