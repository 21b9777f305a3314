/* token_stream: see token_stream.h. The pipe is open for writing here as well, so that it has no end before the program
 * comes; what is read ends when the owner says so. */
#include "run/token_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_MS = 20 }; /* how late the end is seen */

/* The bytes that have come and are not taken yet. */
typedef struct Window {
    char data[1 << 13];
    size_t used;
    bool begun; /* the header was there */
} Window;

static bool header_valid(const TokenStream *stream, const rt_stream_header *header) {
    return memcmp(header->magic, RT_STREAM_MAGIC, sizeof header->magic) == 0 &&
           header->version == 1 && header->record_bytes == sizeof(rt_stream_record) &&
           header->sequences == stream->sequences && header->max_new == stream->max_new;
}

static bool record_valid(const TokenStream *stream, const rt_stream_record *record) {
    return record->sequence >= 0 && record->sequence < stream->sequences && record->index >= 0 &&
           record->index < stream->max_new && record->token >= 0;
}

/* False: no more is wanted. */
static bool take_window(TokenStream *stream, Window *window) {
    size_t at = 0;
    bool wanted = true;
    if (!window->begun && window->used >= sizeof(rt_stream_header)) {
        rt_stream_header header;
        memcpy(&header, window->data, sizeof header);
        window->begun = header_valid(stream, &header);
        stream->damaged |= !window->begun;
        at = sizeof header;
    }
    while (window->begun && wanted && window->used - at >= sizeof(rt_stream_record)) {
        rt_stream_record record;
        memcpy(&record, window->data + at, sizeof record);
        at += sizeof record;
        stream->damaged |= !record_valid(stream, &record);
        wanted = !stream->damaged && stream->take(stream->context, &record);
    }
    memmove(window->data, window->data + at, window->used - at);
    window->used -= at;
    return wanted && !stream->damaged;
}

static void *stream_run(void *argument) {
    TokenStream *stream = argument;
    Window window = {.used = 0};
    for (;;) {
        struct pollfd pipe = {.fd = stream->fd, .events = POLLIN};
        bool closing = atomic_load(&stream->closing); /* before reading: nothing is missed */
        poll(&pipe, 1, closing ? 0 : LOOK_MS);
        ssize_t got = read(stream->fd, window.data + window.used, sizeof window.data - window.used);
        if (got > 0)
            window.used += (size_t)got;
        else if (closing)
            break;
        if (!take_window(stream, &window))
            break;
    }
    close(stream->fd);
    stream->fd = -1;
    return NULL;
}

Status token_stream_open(Run *run, TokenStream *stream) {
    int error = 0;
    TRY(scratch_open(run, "tokens.stream", &stream->scratch));
    stream->fd = -1;
    if (mkfifo(stream->scratch.path, 0600) != 0 ||
        (stream->fd = open(stream->scratch.path, O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
        error = errno;
    else
        error = pthread_create(&stream->thread, NULL, stream_run, stream);
    if (!error)
        return STATUS_OK;
    if (stream->fd >= 0)
        close(stream->fd);
    diag_error(&run->diag, diag_nowhere(), "E0904", "TMPDIR names another place for it",
               "no pipe %s: %s", stream->scratch.path, strerror(error));
    scratch_close(&stream->scratch);
    return STATUS_CANTCREAT;
}

Status token_stream_close(Run *run, TokenStream *stream) {
    atomic_store(&stream->closing, true);
    pthread_join(stream->thread, NULL);
    scratch_close(&stream->scratch);
    if (!stream->damaged)
        return STATUS_OK;
    return diag_error(&run->diag, diag_nowhere(), "E0801",
                      "emit and build the program with this gen: gen emit, gen build",
                      "the program's stream of tokens is of another version, or damaged");
}
