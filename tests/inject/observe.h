/* observe: runs a command in a folder and tells all that it left: status, texts, files, processes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OBSERVE_TEXT = 1 << 16, OBSERVE_LIMIT_S = 20 };

typedef struct Observation {
    int status, signal;                        /* signal 0: it exited */
    bool hung;                                 /* it was still there after OBSERVE_LIMIT_S */
    int processes;                             /* that outlived it */
    char out[OBSERVE_TEXT], err[OBSERVE_TEXT]; /* NUL-terminated, cut when longer */
    uint64_t out_digest;                       /* of all of stdout */
    uint64_t tree; /* digest of the names and contents below the folder */
} Observation;

typedef struct Command {
    char *const *argv;
    const char *folder;  /* where it runs, and what is digested */
    const char *library; /* to preload; NULL: none */
    const char *table;   /* INJECT_TABLE */
    const char *fail;    /* INJECT_FAIL, or NULL */
    bool names_only;     /* digest no contents */
    const char *aside;   /* a file below the folder that is not digested, or NULL */
} Command;

/* Call once: makes orphans of commands ours, so that they can be counted and ended. */
void observe_begin(void);

void observe(const Command *command, Observation *seen);

/* Digest of all names, kinds and contents below the command's folder; times do not count. */
uint64_t observe_tree(const Command *command);
