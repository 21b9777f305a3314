/* Records of calls: what a rank writes that does as its schedule says is accepted, any change of it is not, and
 * files that are damaged are refused as such. */
#include "schedule/record.h"

#include "../unit/record_writer.h"
#include "schedule_fixture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WAVES = 2, DECODE = 2, HEADER_WORDS = sizeof(rt_record_header) / 8 };

static const char digest[] = "00112233445566aa";
static const char schedule_digest[] = "0011223344556677";
static int file = -1;

/* Read the bytes as a file, and compare with the schedule: the code of what is wrong, or NULL. */
static const char *judge(const Fixture *f, int64_t rank, const void *data, size_t size, char *text,
                         size_t room) {
    static char code[8], path[64];
    Arena arena = {0};
    Diag diag = {.arena = &arena};
    Record record;
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, data, size, 0), (ssize_t)size);
    const char *found = NULL;
    if (record_read(&arena, path, &record, &diag) != STATUS_OK) {
        assert_int_equal(diag.count, 1);
        snprintf(code, sizeof code, "%s", diag.messages[0].code);
        snprintf(text, room, "%s", diag.messages[0].text);
        found = code;
    } else {
        const RecordExpected expected = {&f->plan, digest, &f->schedule, schedule_digest,
                                         &f->schedule};
        RecordDifference d = record_check(&arena, &expected, rank, &record);
        assert_int_equal(d.code != NULL, d.text != NULL);
        if (d.code) {
            snprintf(code, sizeof code, "%s", d.code);
            snprintf(text, room, "%s", d.text);
            found = code;
        }
    }
    arena_free(&arena);
    return found;
}

static const char *const strategies[] = {
    "ma-separation:attention=3,experts=2,microbatches=2",
    "ma-separation:attention=2,experts=2,groups=1,moves=exact",
    "tp:tp=3,output=ring",
    "tp-pp:tp=2,pp=2,microbatches=2",
    "ep:ep=4,exchange=aggregated,moves=padded",
};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

static void test_equal(void **state) {
    (void)state;
    for (int i = 0; i < STRATEGIES; i++) {
        Fixture f;
        char text[1024] = "";
        fixture_make(&f, MIXTRAL, strategies[i], 6);
        for (int64_t rank = 0; rank < f.schedule.world; rank++) {
            Buf record = record_write(&f.schedule, digest, schedule_digest, rank, WAVES, DECODE);
            if (judge(&f, rank, record.data, record.length, text, sizeof text))
                fail_msg("%s: %s", strategies[i], text);
            /* another rank's */
            int64_t other = (rank + 1) % f.schedule.world;
            assert_string_equal(judge(&f, other, record.data, record.length, text, sizeof text),
                                "E0841");
            buf_free(&record);
        }
        fixture_free(&f);
    }
}

/* Whether a word may be anything: parts of the header, and kernels that the rank does not launch. */
static bool is_free(const int64_t *words, int64_t at, int64_t entry, bool upper) {
    if (at == 1 && upper)
        return true; /* the status: a rank that failed may do less */
    if (at < HEADER_WORDS)
        return at == offsetof(rt_record_header, run) / 8 ||
               (at == offsetof(rt_record_header, emulated) / 8 && !upper);
    if ((uint32_t)words[entry] == RT_RECORD_OP && (at == entry + 2 || at == entry + 3))
        return !upper; /* the next text may read alike: kind attention, part attention */
    return (uint32_t)words[entry] == RT_RECORD_KERNEL && at > entry;
}

/* Each half of each word of the record is changed by one. */
static void test_every_word(void **state) {
    (void)state;
    for (int i = 0; i < STRATEGIES; i++) {
        Fixture f;
        fixture_make(&f, MIXTRAL, strategies[i], 6);
        Buf record = record_write(&f.schedule, digest, schedule_digest, 1, 1, 1);
        int64_t *words = (int64_t *)(void *)record.data, count = (int64_t)record.length / 8;
        int64_t entry = -1, next = HEADER_WORDS, changed = 0;
        for (int64_t at = 0; at < count; at++) {
            if (at == next) {
                entry = at;
                next = at + 1 + (words[at] >> 32);
            }
            for (int upper = 0; upper < 2; upper++) {
                char text[1024];
                int64_t before = words[at];
                if (is_free(words, at, entry, upper))
                    continue;
                words[at] += INT64_C(1) << (32 * upper);
                if (!judge(&f, 1, record.data, record.length, text, sizeof text))
                    fail_msg("%s: word %lld of %lld, entry of kind %lld", strategies[i],
                             (long long)at, (long long)count, (long long)(uint32_t)words[entry]);
                words[at] = before;
                changed++;
            }
        }
        assert_true(changed > 1000);
        buf_free(&record);
        fixture_free(&f);
    }
}

static void test_cut_off(void **state) {
    (void)state;
    Fixture f;
    fixture_make(&f, MIXTRAL, strategies[0], 6);
    Buf record = record_write(&f.schedule, digest, schedule_digest, 1, 1, 1);
    rt_record_header header;
    int64_t accepted = 0, refused = 0;
    memcpy(&header, record.data, sizeof header);
    for (size_t size = 0; size < record.length; size += 4) {
        char text[1024];
        memcpy(record.data, &header, sizeof header);
        assert_string_equal(judge(&f, 1, record.data, size, text, sizeof text), "E0840");
        if (size < sizeof header)
            continue;
        /* as a rank leaves it that was killed, and as one that says that it came to its end */
        rt_record_header cut = header;
        cut.bytes = size;
        memcpy(record.data, &cut, sizeof cut);
        assert_non_null(judge(&f, 1, record.data, size, text, sizeof text));
        cut.status = RT_RECORD_RUNNING;
        memcpy(record.data, &cut, sizeof cut);
        const char *code = judge(&f, 1, record.data, record.length, text, sizeof text);
        accepted += code == NULL;
        refused += code && strcmp(code, "E0840") == 0;
    }
    assert_true(accepted > 50 && refused > 500); /* between two calls, and within one */
    buf_free(&record);
    fixture_free(&f);
}

/* Headers and entries that no rank writes. */
static void test_hostile(void **state) {
    (void)state;
    static const struct {
        int64_t words[8];
        int count;
        const char *says;
    } cases[] = {
        {{INT64_C(0x0000000100000000)}, 1, "an entry is cut off"},
        {{INT64_C(0x7fffffff) << 32 | RT_RECORD_CALL}, 1, "an entry is cut off"},
        {{0}, 1, "an entry is of no known kind"},
        {{RT_RECORD_TAGS}, 1, "an entry is of no known kind"},
        {{INT64_C(2) << 32 | RT_RECORD_TEXT, 9, 0}, 3, "an entry does not fit together"},
        {{INT64_C(2) << 32 | RT_RECORD_TEXT, -1, 0}, 3, "an entry does not fit together"},
        {{INT64_C(1) << 32 | RT_RECORD_TEXT, INT64_MAX}, 2, "an entry does not fit together"},
        {{INT64_C(2) << 32 | RT_RECORD_TEXT, 2, 0}, 3, "an entry does not fit together"},
        {{INT64_C(1) << 32 | RT_RECORD_KIND, 0}, 2, "an entry does not fit together"},
        {{INT64_C(1) << 32 | RT_RECORD_KIND, -1}, 2, "an entry does not fit together"},
        {{INT64_C(6) << 32 | RT_RECORD_CALL, 0, 0, 0, -1, -1, 0},
         7,
         "an entry does not fit together"},
        {{0}, 0, "it does not name its program"},
    };
    Fixture f;
    char text[1024];
    fixture_make(&f, MIXTRAL, "single", 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct {
            rt_record_header header;
            int64_t words[8];
        } made = {.header = {.magic = RT_RECORD_MAGIC, .version = RT_RECORD_VERSION}};
        made.header.bytes = sizeof made.header + (size_t)cases[i].count * 8;
        memcpy(made.words, cases[i].words, sizeof made.words);
        const char *code = judge(&f, 0, &made, made.header.bytes, text, sizeof text);
        assert_string_equal(code ? code : "", "E0840");
        if (!strstr(text, cases[i].says))
            fail_msg("case %zu: %s", i, text);
    }
    /* counts that do not fit what follows: members and transfers of a channel, ends of an exchange */
    Buf record = record_write(&f.schedule, digest, schedule_digest, 0, 1, 0);
    static const int64_t counts[] = {-1, INT64_MAX, INT64_MIN, INT64_MAX / 5 + 1, 1 << 20};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int which = 0; which < 4; which++) {
            static const uint32_t tags[] = {RT_RECORD_CHANNEL, RT_RECORD_CHANNEL,
                                            RT_RECORD_EXCHANGE, RT_RECORD_EXCHANGE};
            static const int at[] = {3, 4, 8, 9};
            int64_t entry[13] = {INT64_C(12) << 32 | tags[which]};
            rt_record_header header;
            memcpy(&header, record.data, sizeof header);
            entry[1 + at[which]] = counts[i];
            Buf made = {0};
            /* a text first, which the entry names */
            const int64_t name[] = {INT64_C(1) << 32 | RT_RECORD_TEXT, 0};
            header.bytes = sizeof header + sizeof name + sizeof entry;
            buf_append(&made, (const char *)&header, sizeof header);
            buf_append(&made, (const char *)name, sizeof name);
            buf_append(&made, (const char *)entry, sizeof entry);
            assert_string_equal(judge(&f, 0, made.data, made.length, text, sizeof text), "E0840");
            assert_non_null(strstr(text, "an entry does not fit together"));
            buf_free(&made);
        }
    buf_free(&record);
    fixture_free(&f);
}

static void test_header(void **state) {
    (void)state;
    Fixture f;
    char text[1024];
    fixture_make(&f, MIXTRAL, "single", 2);
    Buf record = record_write(&f.schedule, digest, schedule_digest, 0, 1, 1);
    rt_record_header good, bad;
    memcpy(&good, record.data, sizeof good);
#define REFUSED(change, code, says)                                                                \
    bad = good;                                                                                    \
    change;                                                                                        \
    memcpy(record.data, &bad, sizeof bad);                                                         \
    assert_string_equal(judge(&f, 0, record.data, record.length, text, sizeof text), code);        \
    assert_non_null(strstr(text, says))
    REFUSED(bad.magic[0] = 'X', "E0840", "it begins otherwise");
    REFUSED(bad.version++, "E0840", "it has another version");
    REFUSED(bad.bytes = UINT64_MAX, "E0840", "it is cut off");
    REFUSED(bad.bytes = 8, "E0840", "it is cut off");
    REFUSED(bad.waves = -1, "E0840", "its numbers of steps are negative");
    REFUSED(bad.decode = -1, "E0840", "its numbers of steps are negative");
    REFUSED(bad.digest[3] = 'f', "E0841", "of plan 001f2233445566aa");
    REFUSED(bad.schedule[15] = '8', "E0841",
            "of schedule 0011223344556678, not of schedule 0011223344556677");
    REFUSED(bad.world = 2, "E0841", "rank 0 of 2");
    REFUSED(bad.rank = -1, "E0841", "rank -1 of 1");
    REFUSED(bad.waves = INT64_MAX, "E0842", "2 steps are run");
    REFUSED(bad.decode = INT32_MAX, "E0842", "2 steps are run");
    REFUSED((bad.emulated = 1, bad.waves = 0), "E0842", "2 steps are run");
    REFUSED(bad.slab_bytes--, "E0843", "the size of its slab");
    REFUSED(bad.zero_bytes++, "E0843", "the size of its state");
    REFUSED(bad.gpu++, "E0843", "its GPU");
    buf_free(&record);
    fixture_free(&f);
}

/* The first call of a kind in a record: its word 0 (the function). */
static int64_t *find_call(Buf *record, int64_t op, int64_t skip) {
    int64_t *words = (int64_t *)(void *)record->data, count = (int64_t)record->length / 8;
    for (int64_t at = HEADER_WORDS; at < count; at += 1 + (words[at] >> 32))
        if ((uint32_t)words[at] == RT_RECORD_CALL && words[at + 2] == op && skip-- == 0)
            return words + at + 1;
    fail_msg("there is no call of operation %d", (int)op);
    return NULL;
}

/* What is said of differences, to the letter. */
static void test_messages(void **state) {
    (void)state;
    Fixture f;
    char text[1024];
    fixture_make(&f, MIXTRAL, "ma-separation:attention=2,experts=2,groups=2,microbatches=1", 4);
    int64_t dispatch = fixture_op(&f, 1, OP_dispatch, 0), norm = fixture_op(&f, 1, OP_rms_norm, 0);
    Buf record = record_write(&f.schedule, digest, schedule_digest, 1, WAVES, DECODE);
#define SAYS(op, run, word, by, expected)                                                          \
    do {                                                                                           \
        int64_t *of = find_call(&record, op, run);                                                 \
        of[word] += (by);                                                                          \
        assert_string_equal(judge(&f, 1, record.data, record.length, text, sizeof text), "E0842"); \
        of[word] -= (by);                                                                          \
        assert_string_equal(text, expected);                                                       \
    } while (0)
    assert_int_equal(norm, 2);
    SAYS(norm, 0, 2, 1,
         "rank 1, call 2 (wave 0, prefill): the program makes operation 2 rms_norm at layer 1; the "
         "schedule has operation 2 rms_norm at layer 0");
    SAYS(norm, 0, 1, 1,
         "rank 1, call 2 (wave 0, prefill): the program makes operation 3 rms_norm at layer 0; the "
         "schedule has operation 2 rms_norm at layer 0");
    SAYS(norm, 0, 9, 1,
         "rank 1, call 2 (wave 0, prefill): operation 2 rms_norm at layer 0 is made with rows 49; "
         "the schedule has 48");
    SAYS(norm, 0, 5, 100,
         "rank 1, call 2 (wave 0, prefill): the program makes operation 2 an unknown kernel at "
         "layer 0; the schedule has operation 2 rms_norm at layer 0");
    int64_t *call = find_call(&record, dispatch, 1);
    call[3] = 1;
    assert_string_equal(judge(&f, 1, record.data, record.length, text, sizeof text), "E0842");
    assert_non_null(strstr(text, "(wave 1, prefill): operation"));
    assert_non_null(strstr(text, "dispatch at layer 0 is made with channel 1; the schedule has 0"));
    buf_free(&record);
    fixture_free(&f);
}

/* A wrong call in front of a failure is found; a failure alone is no difference. */
static void test_of_a_run_that_failed(void **state) {
    (void)state;
    Fixture f;
    char text[1024];
    fixture_make(&f, MIXTRAL, "tp:tp=2", 4);
    Buf record = record_write(&f.schedule, digest, schedule_digest, 0, 1, 0);
    rt_record_header header;
    int64_t gather = fixture_op(&f, 0, OP_all_reduce, 0);
    int64_t *call = find_call(&record, gather, 0);
    memcpy(&header, record.data, sizeof header);
    header.bytes = (uint64_t)((char *)(call + (call[-1] >> 32)) - record.data);
    header.status = 75;
    memcpy(record.data, &header, sizeof header);
    assert_null(judge(&f, 0, record.data, header.bytes, text, sizeof text));
    call[3]++;
    assert_string_equal(judge(&f, 0, record.data, header.bytes, text, sizeof text), "E0842");
    assert_non_null(strstr(text, "all_reduce at layer 0 is made with channel 1"));
    buf_free(&record);
    fixture_free(&f);
}

int main(void) {
    file = memfd_create("record", MFD_CLOEXEC);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_every_word),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_of_a_run_that_failed),
    };
    return file < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
