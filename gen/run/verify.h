/* verify: what a program must compute, told by the reference model and the schedule: makes the
 * file of expectations that the program's own verb `verify` compares itself with. Everything
 * lies in the caller's arena. It knows no strategy, and of a program nothing but its schedule. */
#pragma once

#include "reference/reference.h"
#include "run/tokens.h"
#include "schedule/schedule.h"

typedef struct VerifyRequest {
    const Schedule *schedule;
    const Tokens *tokens;   /* NULL: made up, a full batch */
    const char *checkpoint; /* folder; NULL: weights by counter */
    const char *path;       /* of the file of expectations */
    double tolerance;       /* of logits, relative to the largest; 0: by element type */
    double seconds;         /* the most that the reference may take; 0: VERIFY_SECONDS */
    void (*progress)(void *context, int64_t done,
                     int64_t all); /* tokens of the reference; or NULL */
    void *context;
} VerifyRequest;

enum { VERIFY_SECONDS = 900 };

/* What is expected, and how sure it is. In f32 everything is compared. In 16 bits activations
 * are rounded after each operation, which may turn a close choice: from the first choice of an
 * expert that is closer than `closeness` on, a sequence's logits and tokens are not compared
 * (NaN, -1), nor are tokens from the first one that is closer than the tolerance on, nor bytes
 * that follow from the routing (-1). */
typedef struct Verify {
    Tokens tokens;
    ReferenceResult reference;
    Counters counters;
    int64_t waves;
    double tolerance, closeness;
    int64_t compared_tokens, compared_positions; /* of `tokens` and prompt positions */
    int64_t all_tokens, all_positions;
    double seconds; /* that the reference took */
} Verify;

/* Run the reference and write the expectations. E0820 (STATUS_UNAVAILABLE): it would take too
 * long; E0821 (STATUS_UNAVAILABLE): there is not enough memory; errors of checkpoints. */
Status verify_prepare(Arena *arena, const VerifyRequest *request, Verify *verify, Diag *diag);

/* The steps of it after the reference, for those who have run it already: `tokens`, `reference`, `tolerance` and
 * `closeness` are set. What the program must count; then leave out what is too close; then the file. */
void verify_count(Arena *arena, const Schedule *schedule, Verify *verify);
void verify_drop_close(Verify *verify);
Status verify_write(Arena *arena, const Schedule *schedule, const Verify *verify, const char *path,
                    Diag *diag);

/* The smallest margins met, in words: "smallest router margin 0.012 (sequence 3, position 17,
 * layer 2)". */
const char *verify_margins(Arena *arena, const Verify *verify);

/* --- rows that exact exchanges move ----------------------------------------------------------- */

/* Calls of prefill are waves in order; those of decode wave by wave: wave x (max_new - 1) +
 * decode step. */
typedef struct VerifyRouting {
    const Schedule *schedule;
    const Tokens *tokens;
    const ReferenceResult *reference;
    int64_t *routes; /* [exchanges][most sources] route table of each source; -1: none */
    int64_t most_sources;
} VerifyRouting;

void verify_routing_begin(Arena *arena, const Schedule *schedule, const Tokens *tokens,
                          const ReferenceResult *reference, VerifyRouting *routing);

/* An ExchangeCounts; `context` is a VerifyRouting. */
void verify_exchange_counts(void *context, int64_t exchange, int64_t call, int64_t layer,
                            ExchangeCount *counts);
