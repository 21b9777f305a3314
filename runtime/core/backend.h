/* backend: what core asks of the data plane that a program is linked with, host/ or cuda/. Each implements all of this.
 * To core a slab is offsets: only the backend knows in which memory it lies. */
#pragma once

#include "core/flow.h"
#include "core/members.h"

/* --- of a process ------------------------------------------------------------------------------------- */

/* See that this machine can run ranks: variables of the environment, devices. RT_USAGE, RT_UNAVAILABLE. */
rt_status rt_backend_check(const rt_program *program, const rt_options *options, rt_error *error);

/* What `info` tells of this machine: a line, or with `json` members that begin with a comma. */
void rt_backend_info(const rt_program *program, bool json);

/* A transport by its name on the command line; false: this backend has none of that name. */
bool rt_backend_transport(const char *name, rt_transport *transport);
/* All of them, for messages: "auto, shm or threads". */
const char *rt_backend_transports(void);

/* Run the ranks that belong to this process, until they have ended; *leader: it also reports. `argv` is the command
 * line, for ranks that it spawns. */
rt_status rt_backend_launch(rt_segment *segment, char **argv, bool *leader, rt_error *error);

/* Threads of libraries, shared among the ranks of this host: limited in this process; and for one yet to be started its
 * environment entry in text[RT_BACKEND_TEXT], or NULL when the user has set one. */
enum { RT_BACKEND_TEXT = 48 };
void rt_backend_limit(int local_ranks);
char *rt_backend_environment(int local_ranks, char *text);

/* Bytes of a rank's slab that lie in the segment, where peers reach them. */
int64_t rt_backend_shared_bytes(const rt_role *role);

/* --- of a rank; failures are told with rt_fail --------------------------------------------------------- */

/* The slab and what else a rank needs that computes; before its weights are loaded. */
rt_status rt_backend_open(rt_rank *rank);
/* Also of a rank that was never opened. */
void rt_backend_close(rt_rank *rank);

/* Rows of the slab that the host writes: rt_backend_stage says where, rt_backend_store takes what was written there.
 * `host` has the rows `pitch` bytes apart as the slab has. Several may be under way, one of each of the threads that
 * rt_backend_readers allows; each stage is stored once, by its own thread. */
typedef struct rt_stage {
    int64_t offset;             /* in the slab, bytes */
    int64_t rows, width, pitch; /* bytes of a row, and between rows */
    char *host;                 /* out */
    void *own;                  /* the backend's */
} rt_stage;
rt_status rt_backend_stage(rt_rank *rank, rt_stage *stage);
rt_status rt_backend_store(rt_rank *rank, rt_stage *stage);
/* Threads that read weights at the same time. */
int rt_backend_readers(const rt_rank *rank);
/* All that was stored is there. */
rt_status rt_backend_stored(rt_rank *rank);

/* A slice of a weight that is drawn by chance or all the same (core/weights.c), in elements. An element's index in its
 * tensor is first + row x row_step + column. */
typedef struct rt_draw {
    int64_t offset;               /* in the slab, bytes */
    int64_t rows, columns, pitch; /* pitch: between rows in the slab */
    uint64_t key, first, row_step;
    float range;
    rt_type type;
    rt_fill fill;
} rt_draw;
/* Draw it where it lies; *drawn stays false where the backend leaves that to core. */
rt_status rt_backend_draw(rt_rank *rank, const rt_draw *draw, bool *drawn);

/* Measure the links of the program (core/links.h), instead of all that would follow: those to this rank go into the
 * segment. */
rt_status rt_backend_preflight(rt_rank *rank);

/* Zero a part of the slab, before the next step. */
rt_status rt_backend_zero(rt_rank *rank, int64_t offset, int64_t bytes);

/* Run a step of this rank to its end: what it computed is there when this returns. */
rt_status rt_backend_step(rt_rank *rank, const rt_step *step);

/* Around each operation, within rt_op_begin and rt_op_end. The latter sees that rt_op_took is called, now or later. */
rt_status rt_backend_op_begin(rt_rank *rank, int op, int layer);
rt_status rt_backend_op_end(rt_rank *rank, int op, int layer);

/* Between the request table (core/requests.h) and the slab. */
rt_status rt_backend_begin(rt_rank *rank, int op, const rt_begin_args *args);
rt_status rt_backend_finish(rt_rank *rank, int op, const rt_finish_args *args);

/* --- moves (core/moves.c): begun, and their arguments are in order; peers may still bring others ------------ */

/* `call`: RT_CALL_ALL_REDUCE, RT_CALL_REDUCE_SCATTER or RT_CALL_ALL_GATHER. */
rt_status rt_backend_collective(const rt_members *m, rt_call call, const rt_collective *args);
rt_status rt_backend_transfer(const rt_members *m, const rt_transfer_args *args);
rt_status rt_backend_pair(const rt_members *m, bool sends, const rt_pair_args *args);
/* The backend sets where the host finds the counts. */
rt_status rt_backend_exchange(Flow *flow);
