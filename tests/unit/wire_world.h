/* wire_world: three ranks of a program without operations, each a process of its own, that meet over sockets of this host.
 * What a rank does is a function of the test; how it ended, and with which words, is what the test looks at. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/made.h"
#include "core/wait.h"
#include "core/wire.h"

enum { WORLD = 3, SEQUENCES = 4, MAX_NEW = 3 };

typedef struct WireWorld WireWorld;
typedef struct WireRank {
    const WireWorld *world;
    rt_segment segment;
    rt_wire_config config;
    rt_wire *wire;
    rt_rank *rank;
    rt_error error;
} WireRank;

struct WireWorld {
    int64_t timeout_ms, load_timeout_ms;
    const char *file; /* rendezvous, NULL: at `port` */
    int port;         /* 0: made up */
    bool late[WORLD]; /* does not come */
    const char *secret[WORLD], *device[WORLD], *digest[WORLD];
    rt_status (*work)(WireRank *rank);      /* after all have met */
    void (*before)(const WireWorld *world); /* in a process of its own, before the peers come */
    /* what came of it */
    int status[WORLD]; /* of exit; -1: none; -N: by signal N */
    double seconds;
    char text[WORLD][RT_MESSAGE];
};

/* Run all ranks to their end. */
void wire_world_run(WireWorld *world);
/* The program, job and segment of a rank, mapped. */
void wire_rank_open(WireRank *rank, const WireWorld *world, int id);
void wire_rank_close(WireRank *rank);
