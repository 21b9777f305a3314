/* records: see records.h. A record is held only while it is compared. */
#include "run/records.h"

#include "base/fs.h"
#include "schedule/record.h"

#include <string.h>

enum { SOURCE_LIMIT = 64 << 20 };

/* What must be equal in all records of a run. */
typedef struct Common {
    const char *path; /* of the first record; NULL: none yet */
    uint64_t run;
    int64_t waves, decode;
    bool emulated;
} Common;

/* --- places in sources --------------------------------------------------------------------------------- */

static DiagPlace place_at(const DiagSource *source, const char *at, int64_t width) {
    DiagPlace place = {source, 1, 1, width};
    for (const char *c = source->text; c < at; c++) {
        place.line += *c == '\n';
        place.column = *c == '\n' ? 1 : place.column + 1;
    }
    return place;
}

/* The statement of an operation in its role's source: "rt_NAME(rank, OP, ". */
static const char *find_statement(Arena *arena, const char *text, int64_t op, int64_t *width) {
    const char *lead = arena_printf(arena, "(rank, %lld,", (long long)op);
    for (const char *at = text; (at = strstr(at, lead)); at++) {
        const char *begin = at;
        while (begin > text && (begin[-1] == '_' || (begin[-1] >= 'a' && begin[-1] <= 'z')))
            begin--;
        *width = at - begin;
        if (*width > 3 && strncmp(begin, "rt_", 3) == 0)
            return begin;
    }
    return NULL;
}

/* The line of an operation in the table of its role: "}, / * OP * /". */
static const char *find_entry(Arena *arena, const char *text, const char *role, int64_t op,
                              int64_t *width) {
    const char *table = strstr(text, arena_printf(arena, "rt_op ops_%s[]", role));
    const char *at =
        table ? strstr(table, arena_printf(arena, "}, /* %lld */", (long long)op)) : NULL;
    while (at && at > text && at[-1] != '\n')
        at--;
    if (at)
        at += strspn(at, " ");
    *width = at ? (int64_t)strcspn(at, "\n") : 0;
    return at;
}

static DiagPlace find_place(Run *run, const RecordsRequest *request, RecordsFinding *finding) {
    const Schedule *schedule = request->schedule;
    const char *role = schedule->roles.items[schedule->ranks[finding->rank].role].name;
    bool call = finding->call >= 0;
    Diag ignored = {.arena = &run->arena};
    char *text;
    size_t length;
    int64_t width;
    finding->file = fs_join(&run->arena, request->dir,
                            call ? arena_printf(&run->arena, "role_%s.c", role) : "program.c");
    if (finding->op < 0 ||
        fs_read(&run->arena, finding->file, SOURCE_LIMIT, &text, &length, &ignored) != STATUS_OK)
        return diag_nowhere();
    const char *at = call ? find_statement(&run->arena, text, finding->op, &width)
                          : find_entry(&run->arena, text, role, finding->op, &width);
    if (!at)
        return diag_nowhere();
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    *source = (DiagSource){finding->file, text};
    DiagPlace place = place_at(source, at, width);
    finding->line = place.line;
    return place;
}

static void tell(Run *run, const RecordsRequest *request, RecordsReport *report, int64_t rank,
                 const RecordDifference *found) {
    RecordsFinding *finding = LIST_PUSH(&run->arena, &report->findings);
    *finding = (RecordsFinding){.rank = rank,
                                .call = found->call,
                                .op = found->op,
                                .code = found->code,
                                .text = arena_strdup(&run->arena, found->text)};
    DiagPlace place =
        strcmp(found->code, "E0841") == 0 ? diag_nowhere() : find_place(run, request, finding);
    const char *help =
        strcmp(found->code, "E0841") == 0
            ? "record and compare the same program: run it again with --record"
            : "the program is not what its plan says: undo the change, or write the program "
              "anew with gen emit; unless you changed it, this is a bug of gen";
    diag_error(&run->diag, place, found->code, help, "%s", finding->text);
}

/* --- records ------------------------------------------------------------------------------------------- */

static const char *digest_of(Run *run, Buf *text) {
    const char *digest = plan_digest(&run->arena, text->data, text->length);
    buf_free(text);
    return digest;
}

/* What the program was emitted with: schedule.json of its folder, read as anyone would; of a plan alone, what follows
 * from it. */
static Status expect(Run *run, const RecordsRequest *request, RecordExpected *expected) {
    const Schedule *lowered = request->schedule;
    const char *path = fs_join(&run->arena, request->dir, "schedule.json");
    Buf text = {0};
    plan_write(lowered->plan, &text);
    *expected = (RecordExpected){.plan = lowered->plan,
                                 .digest = digest_of(run, &text),
                                 .schedule = lowered,
                                 .holdings = lowered};
    if (!fs_exists(path)) {
        schedule_write(lowered, &text);
        expected->schedule_digest = digest_of(run, &text);
        return STATUS_OK;
    }
    char *data;
    size_t length;
    Schedule *read = ARENA_NEW(&run->arena, Schedule);
    TRY(fs_read(&run->arena, path, SOURCE_LIMIT, &data, &length, &run->diag));
    TRY(schedule_parse(&run->arena, path, data, length, read, &run->diag));
    expected->schedule = read;
    expected->schedule_digest = plan_digest(&run->arena, data, length);
    return STATUS_OK;
}

/* All ranks did the same run, and it is the one that was asked for. */
static RecordDifference same_run(Arena *arena, const RecordsRequest *request, Common *common,
                                 const Record *record) {
    if (!common->path)
        *common = (Common){arena_strdup(arena, record->path), record->run, record->waves,
                           record->decode, record->emulated};
    if (request->waves >= 0)
        common->waves = request->waves;
    if (request->decode >= 0)
        common->decode = request->decode;
    const char *text = NULL;
    if (record->run != common->run)
        text = arena_printf(arena, "%s and %s are records of different runs", common->path,
                            record->path);
    else if (record->waves != common->waves || record->decode != common->decode ||
             record->emulated != common->emulated)
        text = arena_printf(arena,
                            "%s is of %lld waves of %lld decode steps; the run had %lld of %lld",
                            record->path, (long long)record->waves, (long long)record->decode,
                            (long long)common->waves, (long long)common->decode);
    return (RecordDifference){text ? "E0841" : NULL, text, -1, -1};
}

static Status check_rank(Run *run, const RecordsRequest *request, const RecordExpected *expected,
                         int64_t rank, Common *common, RecordsReport *report) {
    Arena scratch = {0};
    Record record;
    Diag unread = {.arena = &scratch};
    const char *path = arena_printf(&run->arena, "%s.%lld", request->prefix, (long long)rank);
    Status status = record_read(&scratch, path, &record, request->failed ? &unread : &run->diag);
    if (status != STATUS_OK) { /* a rank that was ended before it began has none */
        status = request->failed ? STATUS_OK : status;
        goto done;
    }
    report->ranks++;
    report->runs = record.runs.count > report->runs ? record.runs.count : report->runs;
    report->calls += record.call_count;
    RecordDifference found = record_check(&scratch, expected, rank, &record);
    if (!found.code)
        found = same_run(&run->arena, request, common, &record);
    if (!found.code && !request->failed && record.status != 0)
        found = (RecordDifference){
            "E0842",
            arena_printf(&scratch,
                         "rank %lld did not come to its end: its record stops after call %lld",
                         (long long)rank, (long long)record.call_count - 1),
            record.call_count, -1};
    if (found.code) {
        tell(run, request, report, rank, &found);
        status = STATUS_NEGATIVE;
    }
done:
    arena_free(&scratch);
    return status;
}

Status records_check(Run *run, const RecordsRequest *request, RecordsReport *report) {
    RecordExpected expected;
    Common common = {0};
    Status status = STATUS_OK;
    *report = (RecordsReport){0};
    TRY(expect(run, request, &expected));
    report->with = expected.schedule == request->schedule ? "the schedule" : "schedule.json";
    for (int64_t rank = 0; rank < request->schedule->world; rank++) {
        Status one = check_rank(run, request, &expected, rank, &common, report);
        if (one != STATUS_OK && one != STATUS_NEGATIVE)
            return one;
        status = one == STATUS_NEGATIVE ? one : status;
    }
    return status;
}

/* --- results ------------------------------------------------------------------------------------------- */

const char *records_text(Run *run, const RecordsReport *report) {
    if (report->findings.count)
        return arena_printf(&run->arena, "calls      %lld of %lld ranks, %lld ranks differ",
                            (long long)report->calls, (long long)report->ranks,
                            (long long)report->findings.count);
    return arena_printf(&run->arena, "calls      %lld of %lld ranks, as in %s",
                        (long long)report->calls, (long long)report->ranks, report->with);
}

void records_json(const RecordsReport *report, Jsonw *json) {
    jsonw_key(json, "calls");
    jsonw_object(json, false);
    jsonw_key_int(json, "calls", report->calls);
    jsonw_key(json, "differences");
    jsonw_array(json, false);
    for (int64_t i = 0; i < report->findings.count; i++) {
        const RecordsFinding *finding = &report->findings.items[i];
        jsonw_object(json, true);
        jsonw_key_int(json, "call", finding->call);
        jsonw_key_string(json, "code", finding->code);
        jsonw_key_string(json, "file", finding->line ? finding->file : NULL);
        jsonw_key_int(json, "line", finding->line);
        jsonw_key_int(json, "operation", finding->op);
        jsonw_key_int(json, "rank", finding->rank);
        jsonw_key_string(json, "text", finding->text);
        jsonw_end(json);
    }
    jsonw_end(json);
    jsonw_key_int(json, "ranks", report->ranks);
    jsonw_key_int(json, "steps", report->runs);
    jsonw_end(json);
}
