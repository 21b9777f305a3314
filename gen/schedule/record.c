/* record: the reader, see record.h. Every number is looked at before it is used; texts are copied, arrays are
 * read where they lie. */
#include "schedule/record.h"

#include "base/fs.h"

#include "rt_format.h"

#include <string.h>

enum { RECORD_LIMIT = 1 << 30, TEXT_LIMIT = 1 << 16 };

typedef struct Reader {
    Arena *arena;
    Record *record;
    LIST_OF(const char *) texts;
    int64_t capacity; /* of calls */
    RecordWords entry;
} Reader;

/* --- entries: each returns whether it is as rt_format.h says ------------------------------------------- */

static bool text_at(const Reader *r, int64_t word, const char **text) {
    int64_t index = r->entry.at[word];
    if (index < 0 || index >= r->texts.count)
        return false;
    *text = r->texts.items[index];
    return true;
}

/* A list of `items` x `width` words from `*word` on, which moves behind it. */
static bool list_at(const Reader *r, int64_t *word, int64_t items, int64_t width,
                    RecordWords *list) {
    int64_t left = r->entry.count - *word;
    if (items < 0 || items > left / width)
        return false;
    *list = (RecordWords){r->entry.at + *word, items * width};
    *word += items * width;
    return true;
}

static bool read_text(Reader *r) {
    int64_t bytes = r->entry.at[0];
    if (bytes < 0 || bytes > TEXT_LIMIT || r->entry.count != 1 + (bytes + 7) / 8)
        return false;
    const char *from = (const char *)(r->entry.at + 1);
    if (bytes && memchr(from, 0, (size_t)bytes))
        return false;
    for (int64_t i = bytes; i < 8 * (r->entry.count - 1); i++)
        if (from[i])
            return false;
    *(const char **)LIST_PUSH(r->arena, &r->texts) = arena_strndup(r->arena, from, (size_t)bytes);
    return true;
}

static bool read_program(Reader *r) {
    Record *record = r->record;
    if (record->name || !text_at(r, 0, &record->name) || !text_at(r, 1, &record->role_name))
        return false;
    memcpy(record->bounds, r->entry.at + 2, sizeof record->bounds);
    return true;
}

static bool read_kind(Reader *r) {
    const char *name;
    if (!text_at(r, 0, &name))
        return false;
    *(const char **)LIST_PUSH(r->arena, &r->record->kinds) = name;
    return true;
}

static bool read_kernel(Reader *r) {
    const int64_t *at = r->entry.at;
    *(RecordKernel *)LIST_PUSH(r->arena, &r->record->kernels) = (RecordKernel){at[0], at[1], at[2]};
    return true;
}

static bool read_step(Reader *r) {
    const char *name;
    if (!text_at(r, 0, &name))
        return false;
    *(RecordStep *)LIST_PUSH(r->arena, &r->record->steps) =
        (RecordStep){name, r->entry.at[1], r->entry.at[2]};
    return true;
}

static bool read_op(Reader *r) {
    const int64_t *at = r->entry.at;
    RecordOp op = {.kind = at[0], .microbatch = at[3], .stream = at[4], .records = at[5]};
    int64_t word = 6;
    if (!text_at(r, 1, &op.kind_name) || !text_at(r, 2, &op.part) ||
        !list_at(r, &word, r->entry.count - word, 1, &op.waits))
        return false;
    *(RecordOp *)LIST_PUSH(r->arena, &r->record->ops) = op;
    return true;
}

static bool read_channel(Reader *r) {
    const int64_t *at = r->entry.at;
    RecordChannel channel = {.id = at[0], .pieces = at[2]};
    int64_t word = 5, members = at[3], transfers = at[4];
    if (!text_at(r, 1, &channel.name) || !list_at(r, &word, members, 1, &channel.ranks))
        return false;
    int64_t left = r->entry.count - word;
    if (transfers < 0 || transfers > left / 5)
        return false;
    int64_t own = left - 5 * transfers;
    if ((own != 0 && own != 2 * members) || !list_at(r, &word, own / 2, 2, &channel.own) ||
        !list_at(r, &word, transfers, 5, &channel.transfers))
        return false;
    *(RecordChannel *)LIST_PUSH(r->arena, &r->record->channels) = channel;
    return true;
}

static bool read_exchange(Reader *r) {
    const int64_t *at = r->entry.at;
    RecordExchange exchange = {.id = at[0],
                               .exact = at[2],
                               .chunk = at[3],
                               .in_flight = at[4],
                               .top_k = at[5],
                               .row_bytes = at[6],
                               .meta_bytes = at[7],
                               .there_hops = at[10],
                               .back_hops = at[11]};
    int64_t word = 12;
    if (!text_at(r, 1, &exchange.name) || !list_at(r, &word, at[8], 2, &exchange.sources) ||
        !list_at(r, &word, at[9], 2, &exchange.targets) || word != r->entry.count)
        return false;
    *(RecordExchange *)LIST_PUSH(r->arena, &r->record->exchanges) = exchange;
    return true;
}

static bool read_hop(Reader *r) {
    *(RecordWords *)LIST_PUSH(r->arena, &r->record->hops) = r->entry;
    return true;
}

static bool read_weight(Reader *r) {
    RecordWeight weight = {.numbers = r->entry.at + 1};
    if (!text_at(r, 0, &weight.name))
        return false;
    *(RecordWeight *)LIST_PUSH(r->arena, &r->record->weights) = weight;
    return true;
}

static bool read_table(Reader *r) {
    RecordTable table = {.first = r->entry.at[1]};
    int64_t word = 2;
    if (!text_at(r, 0, &table.name) || !list_at(r, &word, r->entry.count - word, 1, &table.numbers))
        return false;
    *(RecordTable *)LIST_PUSH(r->arena, &r->record->tables) = table;
    return true;
}

static bool read_run(Reader *r) {
    const int64_t *at = r->entry.at;
    *(RecordRun *)LIST_PUSH(r->arena, &r->record->runs) =
        (RecordRun){at[0], at[1], at[2], r->record->call_count, 0};
    return true;
}

static bool read_call(Reader *r) {
    Record *record = r->record;
    const int64_t *at = r->entry.at;
    if (record->runs.count == 0 || at[0] < 0 || at[0] >= RT_CALLS)
        return false;
    RecordCall *call = arena_list_push(r->arena, (void **)&record->calls, &record->call_count,
                                       &r->capacity, sizeof *record->calls);
    *call = (RecordCall){at[0], at[1], at[2], at[3], at[4], at[5], {at + 6, r->entry.count - 6}};
    record->runs.items[record->runs.count - 1].count++;
    return true;
}

/* --- the file ------------------------------------------------------------------------------------------ */

static const struct {
    bool (*read)(Reader *reader);
    int64_t least, most; /* words */
} readers[RT_RECORD_TAGS] = {
    [RT_RECORD_TEXT] = {read_text, 1, 1 + TEXT_LIMIT / 8},
    [RT_RECORD_PROGRAM] = {read_program, 8, 8},
    [RT_RECORD_KIND] = {read_kind, 1, 1},
    [RT_RECORD_KERNEL] = {read_kernel, 3, 3},
    [RT_RECORD_STEP] = {read_step, 3, 3},
    [RT_RECORD_OP] = {read_op, 6, 6 + OP_WAITS},
    [RT_RECORD_CHANNEL] = {read_channel, 5, RT_RECORD_WORDS},
    [RT_RECORD_EXCHANGE] = {read_exchange, 12, RT_RECORD_WORDS},
    [RT_RECORD_HOP] = {read_hop, 8, 8},
    [RT_RECORD_WEIGHT] = {read_weight, 1 + RECORD_WEIGHT_NUMBERS, 1 + RECORD_WEIGHT_NUMBERS},
    [RT_RECORD_TABLE] = {read_table, 2, RT_RECORD_WORDS},
    [RT_RECORD_RUN] = {read_run, 3, 3},
    [RT_RECORD_CALL] = {read_call, 6, 6 + 2 * OP_ARGS},
};

static Status damaged(const Record *record, Diag *diag, const char *what) {
    diag_error(diag, diag_nowhere(), "E0840",
               "record again with the program and the gen that belong together",
               "%s is no record of calls that this gen reads: %s", record->path, what);
    return STATUS_DATA;
}

static Status read_entries(Reader *r, const char *data, uint64_t bytes, Diag *diag) {
    uint64_t at = sizeof(rt_record_header);
    rt_record_entry entry;
    while (at < bytes) {
        if (bytes - at < sizeof entry)
            return damaged(r->record, diag, "an entry is cut off");
        memcpy(&entry, data + at, sizeof entry);
        at += sizeof entry;
        if (entry.words > (bytes - at) / sizeof(int64_t))
            return damaged(r->record, diag, "an entry is cut off");
        if (entry.tag >= RT_RECORD_TAGS || !readers[entry.tag].read)
            return damaged(r->record, diag, "an entry is of no known kind");
        if (r->record->runs.count && entry.tag < RT_RECORD_RUN)
            return damaged(r->record, diag, "a table stands behind calls");
        r->entry = (RecordWords){(const int64_t *)(const void *)(data + at), entry.words};
        if (entry.words < readers[entry.tag].least || entry.words > readers[entry.tag].most ||
            !readers[entry.tag].read(r))
            return damaged(r->record, diag, "an entry does not fit together");
        at += entry.words * sizeof(int64_t);
    }
    return r->record->name ? STATUS_OK : damaged(r->record, diag, "it does not name its program");
}

Status record_read(Arena *arena, const char *path, Record *record, Diag *diag) {
    char *data;
    size_t length;
    rt_record_header header;
    *record = (Record){.path = path};
    TRY(fs_read(arena, path, RECORD_LIMIT, &data, &length, diag));
    if (length < sizeof header)
        return damaged(record, diag, "it is too short");
    memcpy(&header, data, sizeof header);
    if (memcmp(header.magic, RT_RECORD_MAGIC, sizeof header.magic) != 0)
        return damaged(record, diag, "it begins otherwise");
    if (header.version != RT_RECORD_VERSION)
        return damaged(record, diag, "it has another version");
    if (header.bytes < sizeof header || header.bytes > length)
        return damaged(record, diag, "it is cut off");
    if (header.waves < 0 || header.decode < 0)
        return damaged(record, diag, "its numbers of steps are negative");
    record->digest = arena_strndup(arena, header.digest, strnlen(header.digest, 16));
    record->schedule = arena_strndup(arena, header.schedule, strnlen(header.schedule, 16));
    record->run = header.run;
    record->rank = header.rank;
    record->world = header.world;
    record->role = header.role;
    record->index = header.index;
    record->node = header.node;
    record->gpu = header.gpu;
    record->status = header.status;
    record->waves = header.waves;
    record->decode = header.decode;
    record->emulated = header.emulated != 0;
    record->slab_bytes = header.slab_bytes;
    record->zero_offset = header.zero_offset;
    record->zero_bytes = header.zero_bytes;
    Reader reader = {.arena = arena, .record = record};
    return read_entries(&reader, data, header.bytes, diag);
}
