/* token_stream: the new tokens of a program while it runs: a pipe in a scratch folder and a thread that reads it as hostile
 * data. The thread alone calls back, until token_stream_close has returned. */
#pragma once

#include "run/runner.h"

#include "rt_format.h"

#include <pthread.h>
#include <stdatomic.h>

/* A token; false: no more are wanted, which ends the program's sequences where they are. */
typedef bool (*TokenStreamTake)(void *context, const rt_stream_record *record);

typedef struct TokenStream {
    TokenStreamTake take;
    void *context;
    Scratch scratch;
    int64_t sequences, max_new; /* bounds of what may come */
    int fd;                     /* -1: closed */
    pthread_t thread;
    _Atomic bool closing;
    bool damaged; /* what came is no stream */
} TokenStream;

/* Make the pipe and start the thread; `take`, `context`, `sequences` and `max_new` are set. The program is told of
 * scratch.path. */
Status token_stream_open(Run *run, TokenStream *stream);
/* Take what has come so far, and end. E0801 where it was no stream. */
Status token_stream_close(Run *run, TokenStream *stream);
