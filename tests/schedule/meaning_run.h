/* meaning_run: what the files share that run a schedule over symbols: the run, one execution of an operation, windows of
 * exchanges. Reading, writing and executions are in meaning_exec.c, kernels in meaning_kernels.c, moves and the steps in
 * mutate_meaning.c. All lies in the arena of the run. */
#pragma once

#include "meaning.h"

/* What fills a window of an exchange: packed rows, all of them at a target, results, all of them at a source. */
typedef struct Window {
    uint64_t value; /* of the operation that made it; arguments follow by mixing */
    int64_t rank;   /* that packed, or that computed */
    int64_t count;  /* sources or targets whose windows these are */
    const struct Window **of;
    int64_t rows, slots;
    uint64_t *row;     /* [rows] that were packed, with what they chose */
    uint64_t *weights; /* [slots] of results: of what expert */
} Window;

typedef struct Run {
    const Schedule *schedule;
    const Model *model;
    Arena *arena;
    int64_t element, step, call, sequences;
    MeaningSlab *slabs; /* [world] */
    uint64_t **table;   /* [world][sequences] newest token as a rank knows it */
    uint64_t *results;  /* [sequences] */
    LIST_OF(const Window *) windows;
    MeaningRank *ranks; /* [world] what each rank executed in this call, and where */
} Run;

/* One execution. */
typedef struct Exec {
    Run *run;
    int64_t rank, layer;
    const Op *op;
    const OpArg *args;
    uint64_t value; /* of the kind and what is the same for all rows */
    int64_t rows, tokens, sequences;
} Exec;

/* What an argument has a piece of. */
typedef enum Grain { OF_ROWS, OF_SEQUENCES, OF_CACHE, OF_NOTHING } Grain;

#define EACH_ARG(a) for (int a = 0; a < OP_ARGS && at->args[a].type != ARG_NONE; ++a)

static inline const Buffer *buffer_of(const Exec *at, int arg) {
    return &at->run->schedule->ranks[at->rank].buffers.items[at->op->args[arg].value];
}

static inline bool absent(const Exec *at, int arg) {
    return at->op->args[arg].value < 0;
}

static inline bool reads(const Exec *at, int arg) {
    return at->args[arg].type == ARG_READ || at->args[arg].type == ARG_READ_WRITE;
}

static inline bool writes(const Exec *at, int arg) {
    return at->args[arg].type == ARG_WRITE || at->args[arg].type == ARG_READ_WRITE;
}

/* A number that an operation has by this name. */
int64_t meaning_number(const Op *op, const char *name, int64_t otherwise);

uint64_t meaning_mix_text(uint64_t hash, const char *text);
/* Where an argument lies in the slab; what is loaded there, of one slot or (-1) of all. */
int64_t meaning_address(const Exec *at, int arg);
bool meaning_is_weight(const Exec *at, int arg);
uint64_t meaning_weights(const Exec *at, int arg, int64_t slot, int64_t slots);
/* Bytes that a head tells of a sequence. */
static inline int64_t meaning_told_bytes(const Exec *at) {
    return workload_choice_bytes(&at->run->schedule->plan->inputs.workload);
}

/* Bytes of a row, or of what an argument has a sequence of; 0: it is a window or scratch. */
int64_t meaning_grain_bytes(const Exec *at, int arg, Grain *grain);
uint64_t meaning_read_grain(const Exec *at, int arg, int64_t index, int64_t bytes);
int64_t meaning_grain_index(const Exec *at, Grain grain, int64_t row);
/* What row i is made of: all that is read of it, and of the cache of its sequence. */
uint64_t meaning_row_value(const Exec *at, int64_t row);
void meaning_write_grain(const Exec *at, int arg, int64_t index, int64_t bytes, uint64_t value);
bool meaning_by_sequence(const Op *op);
void meaning_write_scratch(const Exec *at);
/* Windows of exchanges, known by the value at their first byte. */
const Window *meaning_window_in(const Run *run, int64_t rank, const Exec *at, int arg);
Window *meaning_new_window(Run *run, uint64_t value, int64_t rank);
void meaning_write_window(const Exec *at, int arg, uint64_t value);
/* The execution of an operation; keeping what it touches; what it makes, where it is no move. */
Exec meaning_exec_of(Run *run, int64_t rank, WalkItem item);
void meaning_note(const Exec *at);
void meaning_local(void *context, int64_t rank, WalkItem item);
