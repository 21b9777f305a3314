/* weight_readers: see weight_readers.h. */
#include "core/weight_readers.h"
#include "core/wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 20 /* between looks at the run while threads work */ };

typedef struct Reader {
    WeightReaders *readers;
    WeightReader reader;
    pthread_t thread;
    bool started;
} Reader;

struct WeightReaders {
    rt_rank *rank;
    int count, room; /* threads, pieces that may wait */
    Reader *reader;  /* [count] */
    pthread_mutex_t lock;
    pthread_cond_t given, done;
    WeightPiece *piece; /* [room] a ring */
    int first, waiting, working;
    bool ended;
    rt_status status; /* of the first piece that failed, rather than was stopped */
};

WeightReaders *rt_weight_readers_create(rt_rank *rank, int count) {
    WeightReaders *readers = calloc(1, sizeof *readers);
    if (!readers)
        return NULL;
    readers->rank = rank;
    readers->count = count > 1 ? count : 1;
    readers->room = 2 * readers->count;
    readers->reader = calloc((size_t)readers->count, sizeof *readers->reader);
    readers->piece = calloc((size_t)readers->room, sizeof *readers->piece);
    pthread_mutex_init(&readers->lock, NULL);
    pthread_cond_init(&readers->given, NULL);
    pthread_cond_init(&readers->done, NULL);
    if (!readers->reader || !readers->piece) {
        rt_weight_readers_free(readers);
        return NULL;
    }
    for (int i = 0; i < readers->count; ++i)
        readers->reader[i] =
            (Reader){.readers = readers, .reader = {.rank = rank, .beside = readers->count > 1}};
    return readers;
}

static void *reader_run(void *argument) {
    Reader *self = argument;
    WeightReaders *readers = self->readers;
    pthread_mutex_lock(&readers->lock);
    for (;;) {
        while (!readers->waiting && !readers->ended)
            pthread_cond_wait(&readers->given, &readers->lock);
        if (!readers->waiting || readers->status != RT_OK)
            break;
        WeightPiece piece = readers->piece[readers->first];
        readers->first = (readers->first + 1) % readers->room;
        readers->waiting--;
        readers->working++;
        pthread_mutex_unlock(&readers->lock);
        rt_status status = rt_weight_read(&self->reader, &piece);
        pthread_mutex_lock(&readers->lock);
        readers->working--;
        if (readers->status == RT_OK || (readers->status == RT_ABORTED && status != RT_OK))
            readers->status = status;
        pthread_cond_broadcast(&readers->done);
    }
    pthread_mutex_unlock(&readers->lock);
    return NULL;
}

static rt_status readers_start(WeightReaders *readers) {
    for (int i = 0; i < readers->count; ++i) {
        Reader *reader = &readers->reader[i];
        reader->started =
            reader->started || pthread_create(&reader->thread, NULL, reader_run, reader) == 0;
        if (!reader->started)
            return rt_fail(readers->rank, RT_UNAVAILABLE, "no thread to read weights");
    }
    return RT_OK;
}

/* Wait, with the lock, until at most `most` pieces are left, looking after the run. */
static rt_status wait_for(WeightReaders *readers, int most) {
    rt_status status = RT_OK;
    while (status == RT_OK && readers->status == RT_OK &&
           readers->waiting + readers->working > most) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&readers->done, &readers->lock, &until);
        pthread_mutex_unlock(&readers->lock);
        status = rt_wait_check(readers->rank);
        pthread_mutex_lock(&readers->lock);
    }
    if (status != RT_OK ||
        readers->status != RT_OK) /* one failed, which stopped the others: its status counts */
        readers->waiting = 0;
    while (readers->working && (status != RT_OK || readers->status != RT_OK))
        pthread_cond_wait(&readers->done, &readers->lock);
    return readers->status != RT_OK ? readers->status : status;
}

rt_status rt_weight_readers_give(WeightReaders *readers, const WeightPiece *piece) {
    if (readers->count == 1)
        return rt_weight_read(&readers->reader[0].reader, piece);
    RT_TRY(readers_start(readers));
    pthread_mutex_lock(&readers->lock);
    rt_status status = wait_for(readers, readers->room - 1);
    if (status == RT_OK) {
        readers->piece[(readers->first + readers->waiting++) % readers->room] = *piece;
        pthread_cond_signal(&readers->given);
    }
    pthread_mutex_unlock(&readers->lock);
    return status;
}

rt_status rt_weight_readers_end(WeightReaders *readers) {
    pthread_mutex_lock(&readers->lock);
    rt_status status = wait_for(readers, 0);
    pthread_mutex_unlock(&readers->lock);
    return status;
}

void rt_weight_readers_free(WeightReaders *readers) {
    if (!readers)
        return;
    pthread_mutex_lock(&readers->lock);
    readers->ended = true;
    readers->waiting = 0;
    pthread_cond_broadcast(&readers->given);
    pthread_mutex_unlock(&readers->lock);
    for (int i = 0; readers->reader && i < readers->count; ++i) {
        if (readers->reader[i].started)
            pthread_join(readers->reader[i].thread, NULL);
        rt_weight_reader_free(&readers->reader[i].reader);
    }
    pthread_cond_destroy(&readers->given);
    pthread_cond_destroy(&readers->done);
    pthread_mutex_destroy(&readers->lock);
    free(readers->reader);
    free(readers->piece);
    free(readers);
}
