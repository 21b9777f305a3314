/* Status: how a function of gen ended. Its values are gen's exit codes (sysexits), so that main
 * returns what went wrong without a table. Details of a failure go to Diag, never into Status. */
#pragma once

typedef enum Status {
    STATUS_OK = 0,
    STATUS_NEGATIVE = 1,     /* a negative answer: infeasible, differs, stale */
    STATUS_USAGE = 2,        /* the command line is off */
    STATUS_DATA = 65,        /* bad data in a file of the user's */
    STATUS_NOINPUT = 66,     /* an input is missing or unreadable */
    STATUS_UNAVAILABLE = 69, /* a tool, library or GPU is missing */
    STATUS_SOFTWARE = 70,    /* our bug */
    STATUS_CANTCREAT = 73,   /* an output cannot be written */
    STATUS_LOST = 75,        /* a rank was killed, stopped or made no progress: may go well again */
} Status;

/* Return the status of `call` to the caller unless it is STATUS_OK. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (call);                                                               \
        if (try_status_ != STATUS_OK)                                                              \
            return try_status_;                                                                    \
    } while (0)

/* Store the status of `call` in `status` and go to the cleanup label unless it is STATUS_OK. */
#define TRY_TO(call, label)                                                                        \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != STATUS_OK)                                                                   \
            goto label;                                                                            \
    } while (0)
