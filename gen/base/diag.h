/* Diag: what is told to the user about their input: place, cause and cure. Up to DIAG_LIMIT
 * messages are kept for a run, rendered as
 *
 *   file:line:column: error[E0312]: bandwidth needs a unit
 *      14 |   bandwidth: 200
 *         |              ^^^
 *     help: write 200 Gb/s (InfiniBand HDR) or 200 GB/s
 *
 * A code names a kind of mistake for good: `gen explain CODE` tells more. Codes: E01xx syntax and
 * keys, E02xx model, E03xx topology, E04xx workload and planner, E05xx plan and proof, E06xx
 * checkpoints and weights, E07xx emission and build, E08xx running, E09xx command line and files.
 * A broken invariant of ours is an assertion, never a diagnostic. */
#pragma once

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { DIAG_LIMIT = 20 };

/* A text that diagnostics can quote: a file as read, or a name without text. */
typedef struct DiagSource {
    const char *name; /* as the user wrote it */
    const char *text; /* NUL-terminated, or NULL: no line is quoted */
} DiagSource;

typedef struct DiagPlace {
    const DiagSource *source; /* NULL: the message has no place in a file */
    int64_t line, column;     /* from 1; 0: unknown */
    int64_t width;            /* columns under the caret, at least 1 */
} DiagPlace;

typedef enum DiagLevel { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE } DiagLevel;

typedef struct DiagMessage {
    DiagLevel level;
    DiagPlace place;
    const char *code, *text, *help; /* help may be NULL */
} DiagMessage;

typedef struct Diag {
    Arena *arena; /* holds the texts; set by the owner before use */
    DiagMessage messages[DIAG_LIMIT];
    int64_t count;   /* kept in messages[] */
    int64_t errors;  /* all errors, kept or not */
    int64_t dropped; /* messages past the limit */
    bool color;
} Diag;

static inline DiagPlace diag_nowhere(void) {
    return (DiagPlace){0};
}

/* Record a message. `help` may be NULL; it is copied. Returns STATUS_DATA so that a caller can
 * `return diag_error(...)`; other statuses are the caller's choice. */
Status diag_error(Diag *diag, DiagPlace place, const char *code, const char *help,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void diag_warning(Diag *diag, DiagPlace place, const char *code, const char *help,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
void diag_note(Diag *diag, DiagPlace place, const char *code, const char *help, const char *format,
               ...) __attribute__((format(printf, 5, 6)));

/* The candidate nearest to `word` by edit distance, or NULL when none is near (distance over a
 * third of the word). `names` ends with NULL. For "did you mean". */
const char *diag_nearest(const char *word, const char *const *names);

/* Write all messages, in order of recording, to `out`. */
void diag_render(const Diag *diag, FILE *out);
