/* launch: starts other programs by an argument vector, never through a shell, and waits for them. */
#pragma once

#include "base/buf.h"
#include "base/diag.h"

typedef struct Launch {
    const char *const
        *argv;       /* NULL-terminated; argv[0] is looked for in PATH unless it has a slash */
    const char *log; /* file that gets stdout and stderr; NULL: they stay ours */
    Buf *output;     /* takes stdout, and stderr too if `merge`; NULL: see log */
    bool merge;
    void (*tick)(
        void *context); /* called ten times a second while it runs; NULL: not. Not with output */
    void *context;
} Launch;

typedef struct LaunchResult {
    int code;   /* exit status; -1 if it was ended by a signal */
    int signal; /* 0: none */
} LaunchResult;

/* Run to the end. A program that is not there is STATUS_UNAVAILABLE without a diagnostic: the caller knows
 * what it was for. Other failures to start are E0830 with STATUS_SOFTWARE. */
Status launch_run(const Launch *launch, LaunchResult *result, Diag *diag);

/* A word as a shell takes it: quoted only where it must be. */
const char *launch_quote(Arena *arena, const char *word);

/* The arguments as a person would type them, in the arena. */
const char *launch_line(Arena *arena, const char *const *argv);

/* Path of a program in PATH, or NULL. */
const char *launch_find(Arena *arena, const char *name);
