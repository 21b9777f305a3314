/* record: see record.h. Owns the descriptor and two mappings of the file: its first page, which holds the
 * header, and the window that is being written. */
#include "core/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WINDOW = 1 << 18, /* bytes mapped at a time, whole pages */
    PAGE = 4096,
    RECORD_PATH = 4096,
    CALL_WORDS = 6 /* before the arguments */
};

_Static_assert(sizeof(rt_record_header) == 128, "the header of a record has a fixed size");

struct rt_record {
    char path[RECORD_PATH];
    int fd;
    rt_record_header *header;
    char *window;
    int64_t begin;  /* of the window, in the file */
    int64_t at;     /* where the next byte goes */
    int64_t *words; /* scratch: as many as an entry may have */
};

/* --- the file ------------------------------------------------------------------------------------------- */

static rt_status record_fail(rt_rank *rank, int error) {
    return rt_fail(rank, RT_CANTCREAT, "the record %s: %s", rank->record->path, strerror(error));
}

/* Map the window that holds `at`. The disk's room is taken first: a mapping cannot report that there is none. */
static rt_status window_open(rt_rank *rank) {
    rt_record *record = rank->record;
    if (record->window)
        munmap(record->window, WINDOW);
    record->window = NULL;
    record->begin = record->at / WINDOW * WINDOW;
    int error = posix_fallocate(record->fd, record->begin, WINDOW);
    if (error)
        return record_fail(rank, error);
    void *window =
        mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, record->fd, record->begin);
    if (window == MAP_FAILED)
        return record_fail(rank, errno);
    record->window = window;
    return RT_OK;
}

static rt_status bytes_put(rt_rank *rank, const void *data, int64_t bytes) {
    rt_record *record = rank->record;
    const char *from = data;
    while (bytes > 0) {
        if (!record->window || record->at == record->begin + WINDOW)
            RT_TRY(window_open(rank));
        int64_t room = record->begin + WINDOW - record->at, part = bytes < room ? bytes : room;
        memcpy(record->window + (record->at - record->begin), from, (size_t)part);
        record->at += part;
        from += part;
        bytes -= part;
    }
    return RT_OK;
}

rt_status rt_record_put(rt_rank *rank, rt_record_tag tag, const int64_t *words, int64_t count) {
    const rt_record_entry entry = {(uint32_t)tag, (uint32_t)count};
    if (count > RT_RECORD_WORDS)
        return rt_fail(rank, RT_SOFTWARE, "%lld words are too many for a record", (long long)count);
    RT_TRY(bytes_put(rank, &entry, sizeof entry));
    RT_TRY(bytes_put(rank, words, count * (int64_t)sizeof *words));
    __atomic_store_n(&rank->record->header->bytes, (uint64_t)rank->record->at, __ATOMIC_RELEASE);
    return RT_OK;
}

/* --- the tables ----------------------------------------------------------------------------------------- */

/* Words of an entry that is being put together. */
typedef struct Words {
    rt_rank *rank;
    int64_t *at, count, texts; /* texts: written so far */
} Words;

static void add(Words *w, int64_t word) {
    if (w->count < RT_RECORD_WORDS)
        w->at[w->count] = word;
    w->count++;
}

static rt_status put(Words *w, rt_record_tag tag) {
    int64_t count = w->count;
    w->count = 0;
    return rt_record_put(w->rank, tag, w->at, count);
}

/* Write a text; its number goes to *text. */
static rt_status put_text(Words *w, const char *from, int64_t *text) {
    size_t length = strlen(from);
    add(w, (int64_t)length);
    for (size_t i = 0; i < length; i += sizeof(int64_t)) {
        int64_t word = 0;
        memcpy(&word, from + i, length - i < sizeof word ? length - i : sizeof word);
        add(w, word);
    }
    *text = w->texts++;
    return put(w, RT_RECORD_TEXT);
}

static rt_status put_program(Words *w) {
    const rt_program *p = w->rank->program;
    int64_t name, role, text;
    RT_TRY(put_text(w, p->name, &name));
    RT_TRY(put_text(w, w->rank->role->name, &role));
    const int64_t words[] = {name,       role,          p->batch,  p->prompt,
                             p->context, p->vocabulary, p->copies, (int64_t)p->type};
    RT_TRY(rt_record_put(w->rank, RT_RECORD_PROGRAM, words, sizeof words / sizeof *words));
    for (int32_t k = 0; k < p->kinds; ++k) {
        RT_TRY(put_text(w, p->kind[k], &text));
        add(w, text);
        RT_TRY(put(w, RT_RECORD_KIND));
    }
    for (int32_t k = 0; p->kernel_args && k < p->kernels; ++k) {
        add(w, p->kernel_args[k].kind_index);
        add(w, p->kernel_args[k].longs);
        add(w, p->kernel_args[k].ints);
        RT_TRY(put(w, RT_RECORD_KERNEL));
    }
    for (int32_t s = 0; s < p->steps; ++s) {
        RT_TRY(put_text(w, p->step[s].name, &text));
        add(w, text);
        add(w, p->step[s].decode);
        add(w, p->step[s].tokens);
        RT_TRY(put(w, RT_RECORD_STEP));
    }
    return RT_OK;
}

static rt_status put_op(Words *w, const rt_op *op) {
    int64_t kind, part;
    RT_TRY(put_text(w, op->kind, &kind));
    RT_TRY(put_text(w, op->part, &part));
    const int64_t words[] = {op->kind_index, kind, part, op->microbatch, op->stream, op->records};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        add(w, words[i]);
    for (size_t i = 0; i < sizeof op->waits / sizeof *op->waits && op->waits[i] >= 0; ++i)
        add(w, op->waits[i]);
    return put(w, RT_RECORD_OP);
}

static bool has_rank(const rt_channel *channel, int32_t rank) {
    for (int32_t i = 0; i < channel->members; ++i)
        if (channel->ranks[i] == rank)
            return true;
    return false;
}

static rt_status put_channel(Words *w, int32_t index) {
    const rt_channel *c = &w->rank->program->channel[index];
    int64_t name;
    RT_TRY(put_text(w, c->name, &name));
    const int64_t words[] = {index, name, c->pieces, c->members, c->transfers};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        add(w, words[i]);
    for (int32_t i = 0; i < c->members; ++i)
        add(w, c->ranks[i]);
    for (int32_t i = 0; c->own && i < 2 * c->members; ++i)
        add(w, c->own[i]);
    for (int32_t i = 0; i < c->transfers; ++i) {
        const rt_transfer_item *t = &c->transfer[i];
        const int64_t item[] = {t->from, t->to, t->begin, t->end, t->sum};
        for (size_t j = 0; j < sizeof item / sizeof *item; ++j)
            add(w, item[j]);
    }
    return put(w, RT_RECORD_CHANNEL);
}

static rt_status put_hops(Words *w, int32_t index, bool back) {
    const rt_exchange *e = &w->rank->program->exchange[index];
    const rt_hop *hops = back ? e->back : e->there;
    int32_t count = back ? e->back_hops : e->there_hops, me = w->rank->id;
    for (int32_t i = 0; i < count; ++i) {
        const rt_hop *h = &hops[i];
        const int64_t words[] = {index, back, i, h->stage, h->from, h->to, h->source, h->target};
        if (h->from == me || h->to == me)
            RT_TRY(rt_record_put(w->rank, RT_RECORD_HOP, words, sizeof words / sizeof *words));
    }
    return RT_OK;
}

static rt_status put_exchange(Words *w, int32_t index) {
    const rt_exchange *e = &w->rank->program->exchange[index];
    int64_t name;
    RT_TRY(put_text(w, e->name, &name));
    const int64_t words[] = {index,        name,       e->exact,      e->chunk,
                             e->in_flight, e->top_k,   e->row_bytes,  e->meta_bytes,
                             e->sources,   e->targets, e->there_hops, e->back_hops};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        add(w, words[i]);
    for (int32_t i = 0; i < e->sources + e->targets; ++i) {
        const rt_end *end = i < e->sources ? &e->source[i] : &e->target[i - e->sources];
        add(w, end->rank);
        add(w, end->count);
    }
    RT_TRY(put(w, RT_RECORD_EXCHANGE));
    RT_TRY(put_hops(w, index, false));
    return put_hops(w, index, true);
}

static bool takes_part(const rt_exchange *e, int32_t rank) {
    bool found = false;
    for (int32_t i = 0; i < e->sources; ++i)
        found = found || e->source[i].rank == rank;
    for (int32_t i = 0; i < e->targets; ++i)
        found = found || e->target[i].rank == rank;
    return found;
}

static rt_status put_weight(Words *w, const rt_weight *from) {
    int64_t name;
    RT_TRY(put_text(w, from->name, &name));
    const int64_t words[] = {name,
                             from->layer_begin,
                             from->layer_end,
                             from->expert,
                             from->rows,
                             from->columns,
                             from->row_begin,
                             from->row_end,
                             from->column_begin,
                             from->column_end,
                             from->offset,
                             from->layer_stride,
                             from->pitch,
                             (int64_t)from->type,
                             (int64_t)from->fill};
    return rt_record_put(w->rank, RT_RECORD_WEIGHT, words, sizeof words / sizeof *words);
}

static int64_t number_at(const rt_table *table, int64_t index) {
    if (table->bytes == 2)
        return ((const int16_t *)table->numbers)[index];
    return table->bytes == 4 ? ((const int32_t *)table->numbers)[index]
                             : ((const int64_t *)table->numbers)[index];
}

static rt_status put_table(Words *w, const rt_table *table) {
    enum { PIECE = RT_RECORD_WORDS / 2 };
    int64_t name;
    RT_TRY(put_text(w, table->name, &name));
    for (int64_t first = 0; first < table->count; first += PIECE) {
        add(w, name);
        add(w, first);
        for (int64_t i = first; i < table->count && i < first + PIECE; ++i)
            add(w, number_at(table, i));
        RT_TRY(put(w, RT_RECORD_TABLE));
    }
    return RT_OK;
}

static rt_status put_tables(rt_rank *rank) {
    const rt_program *p = rank->program;
    Words w = {.rank = rank, .at = rank->record->words};
    RT_TRY(put_program(&w));
    for (int32_t i = 0; i < rank->role->op_count; ++i)
        RT_TRY(put_op(&w, &rank->role->ops[i]));
    for (int32_t i = 0; i < p->channels; ++i)
        if (has_rank(&p->channel[i], rank->id))
            RT_TRY(put_channel(&w, i));
    for (int32_t i = 0; i < p->exchanges; ++i)
        if (takes_part(&p->exchange[i], rank->id))
            RT_TRY(put_exchange(&w, i));
    for (int32_t i = 0; i < rank->place->weight_count; ++i)
        RT_TRY(put_weight(&w, &rank->place->weights[i]));
    for (int32_t i = 0; i < p->tables; ++i)
        RT_TRY(put_table(&w, &p->table[i]));
    return RT_OK;
}

/* --- begin and end -------------------------------------------------------------------------------------- */

static rt_status file_open(rt_rank *rank) {
    rt_record *record = rank->record;
    struct stat info;
    int size =
        snprintf(record->path, sizeof record->path, "%s.%d", rank->job->options->record, rank->id);
    if (size >= (int)sizeof record->path)
        return rt_fail(rank, RT_CANTCREAT, "the name of the record is too long");
    record->fd = open(record->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (record->fd < 0 || fstat(record->fd, &info) != 0)
        return record_fail(rank, errno);
    if (!S_ISREG(info.st_mode))
        return rt_fail(rank, RT_CANTCREAT, "the record %s is no file", record->path);
    RT_TRY(window_open(rank));
    void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, record->fd, 0);
    if (page == MAP_FAILED)
        return record_fail(rank, errno);
    record->header = page;
    return RT_OK;
}

static rt_record_header header_of(const rt_rank *rank) {
    const rt_place *place = rank->place;
    const rt_job *job = rank->job;
    rt_record_header header = {.magic = RT_RECORD_MAGIC,
                               .version = RT_RECORD_VERSION,
                               .status = RT_RECORD_RUNNING,
                               .bytes = sizeof header,
                               .run = rt_segment_header(rank->segment)->run,
                               .rank = rank->id,
                               .world = rank->program->world,
                               .role = place->role,
                               .index = place->index,
                               .node = place->node,
                               .gpu = place->gpu,
                               .emulated = job->emulated > 0,
                               .decode = job->emulated ? 0 : (int32_t)job->max_new - 1,
                               .waves = job->emulated ? job->emulated : job->waves,
                               .slab_bytes = rank->role->slab_bytes,
                               .zero_offset = rank->role->zero_offset,
                               .zero_bytes = rank->role->zero_bytes};
    memcpy(header.digest, rank->program->digest, sizeof header.digest);
    if (rank->program->schedule)
        memcpy(header.schedule, rank->program->schedule,
               strnlen(rank->program->schedule, sizeof header.schedule));
    return header;
}

rt_status rt_record_open(rt_rank *rank) {
    if (!rank->job->options->record)
        return RT_OK;
    rank->record = calloc(1, sizeof *rank->record);
    int64_t *words = calloc(RT_RECORD_WORDS, sizeof *words);
    if (!rank->record || !words) {
        free(words);
        free(rank->record);
        rank->record = NULL;
        return rt_fail(rank, RT_UNAVAILABLE, "no memory for the record");
    }
    rank->record->words = words;
    rank->record->fd = -1;
    RT_TRY(file_open(rank));
    rt_record_header header = header_of(rank);
    RT_TRY(bytes_put(rank, &header, sizeof header));
    return put_tables(rank);
}

rt_status rt_record_close(rt_rank *rank, rt_status status) {
    rt_record *record = rank->record;
    if (!record)
        return status;
    if (record->header)
        record->header->status = (int32_t)status;
    if (record->window)
        munmap(record->window, WINDOW);
    if (record->header) {
        munmap(record->header, PAGE);
        if (ftruncate(record->fd, record->at) != 0 && status == RT_OK)
            status = record_fail(rank, errno);
    }
    if (record->fd >= 0 && close(record->fd) != 0 && status == RT_OK)
        status = record_fail(rank, errno);
    free(record->words);
    free(record);
    rank->record = NULL;
    return status;
}

/* --- calls ---------------------------------------------------------------------------------------------- */

/* int64_t members of the structs of rt.h, then int32_t ones. */
static const struct {
    int8_t longs, ints;
} call_args[RT_CALLS] = {
    [RT_CALL_ALL_REDUCE] = {3, 1}, [RT_CALL_REDUCE_SCATTER] = {3, 1}, [RT_CALL_ALL_GATHER] = {3, 1},
    [RT_CALL_TRANSFER] = {5, 1},   [RT_CALL_SEND] = {2, 0},           [RT_CALL_RECV] = {2, 0},
    [RT_CALL_DISPATCH] = {8, 0},   [RT_CALL_COMBINE] = {5, 0},        [RT_CALL_BEGIN] = {2, 3},
    [RT_CALL_FINISH] = {1, 3},
};

#define STRUCT_IS(type, longs, last, ints)                                                         \
    _Static_assert(offsetof(type, last) == 8 * (longs) + 4 * ((ints) > 0 ? (ints)-1 : -2),         \
                   #type " has members that call_args does not tell")
STRUCT_IS(rt_collective, 3, type, 1);
STRUCT_IS(rt_transfer_args, 5, type, 1);
STRUCT_IS(rt_pair_args, 2, bytes, 0);
STRUCT_IS(rt_dispatch_args, 8, relay_meta, 0);
STRUCT_IS(rt_combine_args, 5, relay_rows, 0);
STRUCT_IS(rt_begin_args, 2, tokens, 3);
STRUCT_IS(rt_finish_args, 1, report, 3);

rt_status rt_record_run(rt_rank *rank, int32_t step, int64_t wave, int64_t made) {
    return rt_record_put(rank, RT_RECORD_RUN, (const int64_t[]){step, wave, made}, 3);
}

rt_status rt_record_call(rt_rank *rank, rt_call call, const int32_t ids[5], const void *args) {
    const rt_program *program = rank->program;
    int64_t *words = rank->record->words, count = CALL_WORDS;
    int32_t longs = call_args[call].longs, ints = call_args[call].ints, kernel = ids[4];
    if (call == RT_CALL_LAUNCH && program->kernel_args && kernel >= 0 &&
        kernel < program->kernels) {
        longs = program->kernel_args[kernel].longs;
        ints = program->kernel_args[kernel].ints;
    }
    words[0] = (int64_t)call;
    for (int i = 0; i < CALL_WORDS - 1; ++i)
        words[1 + i] = ids[i];
    const char *at = args; /* NULL where a kernel takes nothing */
    for (int32_t i = 0; i < longs; ++i, at += sizeof(int64_t))
        memcpy(&words[count++], at, sizeof(int64_t));
    for (int32_t i = 0; i < ints; ++i, at += sizeof(int32_t)) {
        int32_t number;
        memcpy(&number, at, sizeof number);
        words[count++] = number;
    }
    return rt_record_put(rank, RT_RECORD_CALL, words, count);
}
