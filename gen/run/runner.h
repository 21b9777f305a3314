/* runner: runs an emitted program with the options that run, verify and bench share. It knows the program's
 * command line (docs/runtime.md), not what its verbs print. */
#pragma once

#include "base/buf.h"
#include "base/leftover.h"
#include "run/command.h"

typedef struct Runner {
    const char *dir;
    const char *argv[48];
    int count;
} Runner;

/* Build the program of DIR if need be, and begin its command line: the binary, `verb`, and what the options
 * say about weights, transport, limits and trace. E0918 where an option's value is none of those allowed. */
Status runner_begin(Run *run, const char *dir, const char *verb, Runner *runner);

void runner_add(Runner *runner, const char *argument);
/* Add "--name value" of an option unless it was not given. */
void runner_add_option(Run *run, Runner *runner, const char *name, OptionId id);

/* Run it to its end; stdout goes to `output`, or stays ours if that is NULL. The program's exit status comes
 * back as ours; a failure is E0831 or E0832 (what happened, the program has said). A negative answer (1)
 * is STATUS_NEGATIVE without a diagnostic. */
Status runner_run(Run *run, const Runner *runner, Buf *output);

/* A fresh folder for one file that crosses to the program, and for records of its ranks. It and the files go
 * when it is closed, or at the end of the process; it must stay where it was opened until then. */
typedef struct Scratch {
    char *dir, *path; /* path: the file, which the caller writes */
    char *prefix;     /* of records: PREFIX.RANK */
    int64_t ranks;    /* set by the caller: how many records there may be */
    Leftover *leftover;
} Scratch;

Status scratch_open(Run *run, const char *name, Scratch *scratch);
void scratch_close(Scratch *scratch);
