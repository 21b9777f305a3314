/* stream: see stream.h. A reader that goes away wants no more: the sequences then end where they are. */
#include "core/stream.h"
#include "core/made.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { STREAM_LOOK_MS = 100 }; /* how late the end is seen */

struct rt_stream {
    rt_segment *segment;
    pthread_t thread;
    _Atomic bool closing;
    int fd;
    int error; /* errno of the first write that failed */
    int64_t wave, index;
    bool *ended;              /* [batch] */
    rt_stream_record *record; /* [batch] */
};

static bool put(rt_stream *stream, const void *data, size_t size) {
    for (const char *at = data; size && !stream->error;) {
        ssize_t written = write(stream->fd, at, size);
        if (written < 0 && errno != EINTR) {
            stream->error = errno;
            atomic_store(&rt_segment_header(stream->segment)->hung_up, 1);
        }
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return !stream->error;
}

/* The tokens of an index that is complete; then the next one. */
static void put_index(rt_stream *stream) {
    const rt_segment *segment = stream->segment;
    const rt_job *job = segment->job;
    int64_t present = rt_made_present(job, stream->wave), count = 0;
    int64_t first = stream->wave * job->program->batch;
    for (int64_t s = 0; s < present; ++s) {
        if (stream->index == 0)
            stream->ended[s] = false;
        if (stream->ended[s])
            continue;
        int32_t token = rt_segment_tokens(segment)[(first + s) * job->max_new + stream->index];
        stream->ended[s] = rt_made_stops(job, token) || stream->index == job->max_new - 1;
        stream->record[count++] = (rt_stream_record){(int32_t)(first + s), (int32_t)stream->index,
                                                     token, stream->ended[s]};
    }
    put(stream, stream->record, (size_t)count * sizeof *stream->record);
    bool last = rt_made_last(segment, stream->wave, stream->index);
    stream->wave += last;
    stream->index = last ? 0 : stream->index + 1;
}

static void *stream_run(void *argument) {
    rt_stream *stream = argument;
    rt_word *word = &rt_segment_header(stream->segment)->made;
    uint32_t done = 0;
    for (;;) {
        bool closing = atomic_load(&stream->closing); /* before the word: none is missed */
        uint32_t value = atomic_load_explicit(word, memory_order_acquire);
        while (done != rt_word_count(value) && !stream->error) {
            put_index(stream);
            done = rt_word_count(done + 1);
        }
        if (closing || stream->error)
            return NULL;
        rt_word_sleep(word, value, STREAM_LOOK_MS);
    }
}

static void stream_free(rt_stream *stream) {
    if (stream->fd >= 0)
        close(stream->fd);
    free(stream->ended);
    free(stream->record);
    free(stream);
}

/* The thread takes no signals: SIGPIPE becomes an error of write. */
static int thread_start(rt_stream *stream) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&stream->thread, NULL, stream_run, stream);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

rt_status rt_stream_begin(rt_segment *segment, rt_error *error) {
    const rt_job *job = segment->job;
    const char *path = job->options->stream;
    if (!path)
        return RT_OK;
    rt_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory to stream tokens");
    stream->segment = segment;
    stream->ended = calloc((size_t)job->program->batch, sizeof *stream->ended);
    stream->record = calloc((size_t)job->program->batch, sizeof *stream->record);
    stream->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    rt_status status = RT_OK;
    rt_stream_header header = {.magic = RT_STREAM_MAGIC,
                               .version = 1,
                               .record_bytes = sizeof(rt_stream_record),
                               .sequences = job->sequences,
                               .max_new = job->max_new};
    memcpy(header.digest, job->program->digest, sizeof header.digest);
    if (stream->fd < 0)
        status = rt_error_set(error, RT_CANTCREAT, "%s: %s", path, strerror(errno));
    else if (!stream->ended || !stream->record)
        status = rt_error_set(error, RT_UNAVAILABLE, "no memory to stream tokens");
    else if (write(stream->fd, &header, sizeof header) != (ssize_t)sizeof header)
        status = rt_error_set(error, RT_CANTCREAT, "%s: cannot be written", path);
    else if (thread_start(stream) != 0)
        status = rt_error_set(error, RT_UNAVAILABLE, "no thread to stream tokens");
    if (status != RT_OK) {
        stream_free(stream);
        return status;
    }
    segment->stream = stream;
    return RT_OK;
}

rt_status rt_stream_end(rt_segment *segment, rt_error *error) {
    rt_stream *stream = segment->stream;
    if (!stream)
        return RT_OK;
    atomic_store(&stream->closing, true);
    pthread_join(stream->thread, NULL);
    segment->stream = NULL;
    int failed = stream->error;
    stream_free(stream);
    if (failed && failed != EPIPE)
        return rt_error_set(error, RT_CANTCREAT, "%s: %s", segment->job->options->stream,
                            strerror(failed));
    return RT_OK;
}
