/* Whole runs of the program of rt_moves.h, as processes and as threads: results, counters, waves, verify,
 * bench; failures of every kind. This binary is launcher and rank at once: called with a verb, it is the
 * program. */
#include "rt_moves.h"

#include "schedule/record.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- running it ----------------------------------------------------------------------------------------- */

enum { SEQUENCES = 4, MAX_NEW = 5 };
static const int32_t lengths[SEQUENCES] = {4, 1, 3, 2}, max_new[] = {MAX_NEW};
static const int32_t ids[SEQUENCES][4] = {{5, 6, 7, 8}, {9, 0, 0, 0}, {1, 2, 96, 0}, {3, 4, 0, 0}};

static char dir[64];

static const char *path_of(const char *name) {
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* Call rt_main with a command line, its output in DIR/stdout and DIR/stderr. */
static int call_program(const rt_program *of, const char *line) {
    char text[1024], *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "moves %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    fflush(NULL);
    int saved[2] = {dup(1), dup(2)};
    for (int i = 0; i < 2; ++i) {
        int fd = open(path_of(i ? "stderr" : "stdout"), O_CREAT | O_TRUNC | O_WRONLY, 0600);
        dup2(fd, 1 + i);
        close(fd);
    }
    int status = rt_main(of, argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; ++i) {
        dup2(saved[i], 1 + i);
        close(saved[i]);
    }
    return status;
}

static int call(const char *line) {
    return call_program(&program, line);
}

static const char *content(const char *name) {
    static char text[1 << 16];
    FILE *file = fopen(path_of(name), "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void assert_contains(const char *name, const char *part) {
    const char *text = content(name);
    if (!strstr(text, part))
        fail_msg("%s does not hold \"%s\" but:\n%s", name, part, text);
}

/* A command line of `run` on a transport. */
static const char *run_line(void **state, const char *more) {
    static char line[1024];
    snprintf(line, sizeof line, "run --tokens %s --out %s/out --transport %s %s",
             path_of("tokens.rta"), dir, (const char *)*state, more);
    return line;
}

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_rt_run.XXXXXX");
    assert_non_null(mkdtemp(dir));
    rt_error error = {0};
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, ids},
                               {"max_new", RT_I32, 1, {1}, max_new}};
    return rt_arrays_write(path_of("tokens.rta"), program.digest, arrays, 3, &error);
}

static int teardown(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

static int32_t expected_token(int s, int t) {
    int32_t id = ids[s][lengths[s] - 1], position = lengths[s] - 1;
    for (int i = 0; i < t; ++i) {
        id = next_of(id, position);
        position++;
    }
    return next_of(id, position);
}

/* Bytes by the formulas of the documentation, written out anew. */
static int64_t expected_bytes(int from, int to) {
    int64_t steps_run = 2 * MAX_NEW, bytes = 0;
    if (from == to)
        return 0;
    int64_t small = 1100 * 4 / 5 - 1100 / 5;
    for (int side = 0; side < 2; ++side) {
        int i = side ? from : to;
        for (int layer = 0; layer < LAYERS; ++layer) {
            int64_t units = sum_units(layer), elements = (units * 4 / 5 - units / 5) * (UNIT / 4);
            bytes += 4 * (elements * (i + 1) / 4 - elements * i / 4);
        }
        bytes += LAYERS * 2 * (small * (i + 1) / 4 - small * i / 4);
    }
    for (int layer = 0; layer < LAYERS; ++layer) {
        int64_t units = scatter_units(layer), first = units * 3 / 7;
        int64_t own[WORLD] = {first * 12, 0, 0, (units - first) * 12};
        if (from != 2 && to != 2)
            bytes += own[to] + own[from];
    }
    for (int e = 0; e < EXCHANGES; ++e)
        for (int layer = 0; layer < LAYERS; ++layer)
            for (int h = 0; h < exchanges[e].there_hops || h < exchanges[e].back_hops; ++h) {
                const rt_hop *there = &exchanges[e].there[h], *back = &exchanges[e].back[h];
                bool exact = exchanges[e].exact;
                if (h < exchanges[e].there_hops && there->from == from && there->to == to)
                    bytes += 4 + (ROW + META) *
                                     (exact ? dispatch_count(there->source, there->target, layer)
                                            : sources[there->source].count);
                if (h < exchanges[e].back_hops && back->from == from && back->to == to)
                    bytes += ROW * (exact ? combine_count(back->source, back->target, layer)
                                          : combine_window(back->source, back->target));
            }
    for (int e = 0; e < EXCHANGES; ++e)
        for (int layer = 0; layer < LAYERS && !exchanges[e].there_hops; ++layer)
            for (int s = 0; s < 3; ++s)
                for (int t = 0; t < 2; ++t) {
                    bool exact = exchanges[e].exact;
                    if (sources[s].rank == from && targets[t].rank == to)
                        bytes += 4 + (ROW + META) *
                                         (exact ? dispatch_count(s, t, layer) : sources[s].count);
                    if (sources[s].rank == to && targets[t].rank == from)
                        bytes += ROW * (exact ? combine_count(s, t, layer) : combine_window(s, t));
                }
    int64_t sends;
    if (from % 2 == to % 2)
        bytes += LAYERS * transferred(from > to, &sends);
    bytes += stage_bytes(from, to);
    return steps_run * bytes;
}

/* Operations of each kind that a rank does in a step. */
static void expected_operations(int rank, int64_t per_step[KINDS]) {
    const int64_t scatters = rank == 2 ? 0 : LAYERS, exchanged = LAYERS * EXCHANGES;
    const int64_t all[8] = {1, 2 * LAYERS, scatters, scatters, LAYERS, exchanged, exchanged, 1};
    memcpy(per_step, all, sizeof all);
    for (int received = 0; received < 2; ++received) {
        transferred((rank > 1) != received, &per_step[8 + received]);
        per_step[8 + received] *= LAYERS;
    }
    per_step[10] = LAYERS;
}

static const void *array_of(const rt_arrays *file, const char *name, rt_type type, uint32_t dims) {
    const rt_array *array;
    rt_error error = {0};
    assert_int_equal(rt_arrays_get(file, "results", name, type, dims, &array, &error), RT_OK);
    return array->data;
}

static void test_results(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s --trace %s -q", path_of("logits.npy"),
             path_of("trace.json"));
    int status = call(run_line(state, more));
    if (status)
        fail_msg("%d: %s", status, content("stderr"));
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(rt_arrays_read(&file, path_of("out/results.rta"), program.digest, &error),
                     RT_OK);
    const int32_t *tokens = array_of(&file, "tokens", RT_I32, 2);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < MAX_NEW; ++t)
            assert_int_equal(tokens[s * MAX_NEW + t], expected_token(s, t));
    const int64_t *bytes = array_of(&file, "bytes", RT_I64, 2);
    for (int from = 0; from < WORLD; ++from)
        for (int to = 0; to < WORLD; ++to)
            assert_int_equal(bytes[from * WORLD + to], expected_bytes(from, to));
    const int64_t *operations = array_of(&file, "operations", RT_I64, 2);
    for (int r = 0; r < WORLD; ++r) {
        int64_t per_step[KINDS];
        expected_operations(r, per_step);
        for (int k = 0; k < KINDS; ++k)
            assert_int_equal(operations[r * KINDS + k], 2 * MAX_NEW * per_step[k]);
    }
    const int64_t *resident = array_of(&file, "weights", RT_I64, 1);
    assert_int_equal(resident[0], 2 * 2 * 3 * 4);
    assert_int_equal(resident[1], 0);
    const int64_t *run = array_of(&file, "steps", RT_I64, 1);
    assert_int_equal(run[0], 2);
    assert_int_equal(run[1], 2 * (MAX_NEW - 1));
    rt_arrays_free(&file);
    assert_contains("trace.json", "\"name\":\"dispatch\"");
}

static void test_logits(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s -q", path_of("logits.npy"));
    assert_int_equal(call(run_line(state, more)), 0);
    FILE *npy = fopen(path_of("logits.npy"), "rb");
    assert_non_null(npy);
    unsigned char head[10];
    assert_int_equal(fread(head, 1, 10, npy), 10);
    assert_int_equal(fseek(npy, head[8] + 256 * head[9], SEEK_CUR), 0);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < 4; ++t) {
            float row[VOCABULARY];
            assert_int_equal(fread(row, sizeof *row, VOCABULARY, npy), VOCABULARY);
            if (t < lengths[s])
                assert_true(row[3] == (float)(ids[s][t] * 100 + t) + 1.5f);
            else
                assert_true(row[3] != row[3]);
        }
    assert_int_equal(fgetc(npy), EOF);
    fclose(npy);
}

/* Expectations with these errors; `uncertain`: some of the wrong places are not to be compared. */
static void verify_write(int32_t token_error, int64_t byte_error, float logit_error,
                         bool uncertain) {
    int32_t tokens[SEQUENCES][MAX_NEW];
    int64_t operations[WORLD][KINDS] = {0}, bytes[WORLD][WORLD], resident[WORLD] = {48};
    static float logits[SEQUENCES][4][VOCABULARY];
    double tolerance[] = {1e-6};
    for (int r = 0; r < WORLD; ++r) {
        int64_t per_step[KINDS];
        expected_operations(r, per_step);
        for (int k = 0; k < KINDS; ++k)
            operations[r][k] = 2 * MAX_NEW * per_step[k];
        for (int to = 0; to < WORLD; ++to)
            bytes[r][to] = expected_bytes(r, to);
    }
    for (int s = 0; s < SEQUENCES; ++s) {
        for (int t = 0; t < MAX_NEW; ++t)
            tokens[s][t] = expected_token(s, t);
        for (int t = 0; t < 4; ++t)
            for (int v = 0; v < VOCABULARY; ++v)
                logits[s][t][v] = (float)(ids[s][t] * 100 + t) + (float)v * 0.5f;
    }
    tokens[2][3] += token_error;
    bytes[1][3] += byte_error;
    logits[1][0][7] += logit_error;
    if (uncertain) {
        tokens[2][3] = -1;
        bytes[1][3] = -1;
        logits[1][0][7] = NAN;
    }
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, ids},
                               {"max_new", RT_I32, 1, {1}, max_new},
                               {"tokens", RT_I32, 2, {SEQUENCES, MAX_NEW}, tokens},
                               {"operations", RT_I64, 2, {WORLD, KINDS}, operations},
                               {"bytes", RT_I64, 2, {WORLD, WORLD}, bytes},
                               {"weights", RT_I64, 1, {WORLD}, resident},
                               {"logits", RT_F32, 3, {SEQUENCES, 4, VOCABULARY}, logits},
                               {"tolerance", RT_F64, 1, {1}, tolerance}};
    rt_error error = {0};
    assert_int_equal(rt_arrays_write(path_of("expected.rta"), program.digest, arrays, 9, &error),
                     RT_OK);
}

static void test_verify(void **state) {
    char line[256];
    snprintf(line, sizeof line, "verify --expected %s --transport %s", path_of("expected.rta"),
             (const char *)*state);
    verify_write(0, 0, 0, false);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "moves: verified; logits differ by 0 ");
    verify_write(1, 4, 0.5f, false);
    assert_int_equal(call(line), 1);
    assert_contains("stdout", "tokens     1 of 20 differ, first sequence 2 new token 3");
    assert_contains("stdout", "first rank 1 to 3");
    assert_contains("stdout", "worst at sequence 1 position 0 entry 7: 903.5, expected 904");
    assert_contains("stdout", "moves: DIFFERS in tokens, logits, bytes;");
    verify_write(1, 4, 0.5f, true);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "tokens     19 equal");
}

static void test_bench(void **state) {
    char line[256];
    snprintf(line, sizeof line,
             "bench --json --transport %s --steps 6 --repeat 2 --prompt-tokens 3",
             (const char *)*state);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "\"tpot_ms\":{\"count\":12,");
    snprintf(line, sizeof line, "measure --transport %s --batch 2 --out %s/measure",
             (const char *)*state, dir);
    assert_int_equal(call(line), 0);
    assert_contains("stdout", "dispatch");
    assert_contains("measure/measure.rta", RT_ARRAY_MAGIC);
}

/* --- records --------------------------------------------------------------------------------------------- */

/* The records PREFIX.RANK; the arena owns what is read. */
static void read_records(Arena *arena, const char *prefix, Record records[WORLD]) {
    Diag diag = {.arena = arena};
    for (int r = 0; r < WORLD; ++r) {
        char name[32];
        snprintf(name, sizeof name, "%s.%d", prefix, r);
        if (record_read(arena, arena_strdup(arena, path_of(name)), &records[r], &diag) != 0)
            fail_msg("%s: %s", name, diag.messages[0].text);
        assert_int_equal(records[r].rank, r);
        assert_int_equal(records[r].world, WORLD);
        assert_int_equal(records[r].ops.count, OPS);
        assert_string_equal(records[r].digest, program.digest);
        assert_true(records[r].run == records[0].run);
    }
}

/* First the one that begins a step, as the program of rt_moves.h calls it. */
static void assert_begin(const RecordCall *call, int64_t tokens) {
    const int64_t args[] = {AT_IDS, AT_POSITIONS, 0, BATCH, tokens};
    assert_int_equal(call->function, RT_CALL_BEGIN);
    assert_int_equal(call->op, OP_BEGIN);
    assert_int_equal(call->layer, -1);
    assert_int_equal(call->channel, -1);
    assert_int_equal(call->args.count, 5);
    assert_memory_equal(call->args.at, args, sizeof args);
}

static void test_record(void **state) {
    Arena arena = {0};
    Record records[WORLD];
    char more[128];
    snprintf(more, sizeof more, "--record %s/calls", dir);
    assert_int_equal(call(run_line(state, more)), 0);
    read_records(&arena, "calls", records);
    for (int r = 0; r < WORLD; ++r) {
        const Record *record = &records[r];
        int64_t counts[RT_CALLS] = {0};
        assert_int_equal(record->status, 0);
        assert_int_equal(record->waves, 2);
        assert_int_equal(record->decode, MAX_NEW - 1);
        assert_int_equal(record->runs.count, 2 * MAX_NEW);
        assert_int_equal(record->exchanges.count, EXCHANGES);
        assert_int_equal(record->channels.count, r % 2 ? 4 : 3 + (r == 0)); /* 2 is not of three */
        for (int64_t i = 0; i < record->runs.count; ++i) {
            const RecordRun *run = &record->runs.items[i];
            assert_int_equal(run->wave, i / MAX_NEW);
            assert_int_equal(run->made, i % MAX_NEW);
            assert_int_equal(run->step, run->made > 0);
            assert_begin(&record->calls[run->first], run->made ? 1 : PROMPT);
            assert_int_equal(record->calls[run->first + run->count - 1].function, RT_CALL_FINISH);
        }
        for (int64_t i = 0; i < record->call_count; ++i)
            counts[record->calls[i].function]++;
        assert_int_equal(counts[RT_CALL_DISPATCH], 2 * MAX_NEW * LAYERS * EXCHANGES);
        assert_int_equal(counts[RT_CALL_COMBINE], counts[RT_CALL_DISPATCH]);
        assert_int_equal(counts[RT_CALL_LAUNCH], 2 * MAX_NEW * LAYERS);
        assert_true(counts[RT_CALL_ALL_REDUCE] > 0 && counts[RT_CALL_TRANSFER] > 0);
        assert_true(counts[RT_CALL_SEND] > 0 && counts[RT_CALL_RECV] > 0);
    }
    arena_free(&arena);
}

/* What a rank did that was killed stands there, the call that it died in as the last. */
static void test_record_of_killed_rank(void **state) {
    Arena arena = {0};
    Record records[WORLD];
    char more[128];
    snprintf(more, sizeof more, "-q --record %s/killed", dir);
    setenv("RT_TEST_FAULT", "kill:1", 1);
    assert_int_equal(call(run_line(state, more)), RT_TIMEOUT);
    unsetenv("RT_TEST_FAULT");
    read_records(&arena, "killed", records);
    assert_int_equal(records[1].status, -1);
    assert_int_equal(records[1].runs.count, 2);
    assert_int_equal(records[1].calls[records[1].call_count - 1].op, OP_CHECK);
    for (int r = 0; r < WORLD; ++r)
        assert_true(records[r].status != 0 && records[r].call_count > 0);
    arena_free(&arena);
}

/* --- failures ------------------------------------------------------------------------------------------- */

static void expect_failure(void **state, const char *fault, const char *more, int status,
                           const char *message) {
    setenv("RT_TEST_FAULT", fault, 1);
    int got = call(run_line(state, more));
    unsetenv("RT_TEST_FAULT");
    assert_contains("stderr", message);
    assert_int_equal(got, status);
    const char *text = content("stderr");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static void test_failing_rank(void **state) {
    double begin = rt_now();
    expect_failure(state, "fail:3", "-q", RT_DATA, "rank 3 (worker): decode");
    assert_true(rt_now() - begin < 1.5); /* all who wait were woken, none by its limit */
    expect_failure(state, "fail:2", "", RT_DATA,
                   "moves: rank 2 (worker): decode, layer 0, operation 5 check: as asked");
    expect_failure(state, "plain:0", "", RT_SOFTWARE,
                   "rank 0 (worker): decode, layer 0, operation 5 check: failed");
}

static void test_hanging_rank(void **state) {
    expect_failure(
        state, "hang:3", "--timeout-ms 300", RT_TIMEOUT,
        "rank 3 (worker) made no progress for 300 ms (decode, layer 0, operation 5 check)");
}

/* A rank that leaves an operation out: all wait, none is to blame alone. */
static void test_wait_cycle(void **state) {
    expect_failure(state, "skip:1", "--timeout-ms 300", RT_TIMEOUT,
                   "4 ranks wait for each other for 300 ms");
}

static void test_slow_rank_within_limit(void **state) {
    setenv("RT_TEST_FAULT", "hang:3", 1);
    int status = call(run_line(state, "-q --max-new-tokens 2"));
    unsetenv("RT_TEST_FAULT");
    assert_int_equal(status, 0);
}

/* One operation that takes six limits, but works. */
static void test_long_operation(void **state) {
    setenv("RT_TEST_FAULT", "busy:3", 1);
    int status = call(run_line(state, "-q --max-new-tokens 2 --timeout-ms 250"));
    unsetenv("RT_TEST_FAULT");
    assert_string_equal(content("stderr"), "");
    assert_int_equal(status, 0);
}

static void test_stopped_rank(void **state) {
    expect_failure(state, "stop:2", "--timeout-ms 300", RT_TIMEOUT,
                   "made no progress for 300 ms (stopped by ");
    assert_contains("stderr", "in decode, layer 0, operation 5 check)");
}

static void test_wrong_count(void **state) {
    expect_failure(state, "count:1", "", RT_SOFTWARE, "sends 1 rows, this rank expects 2");
}

/* What the two ends of a transfer bring must agree, whichever way the bytes take. */
static void test_wrong_transfer(void **state) {
    expect_failure(state, "size:1", "", RT_SOFTWARE,
                   "channel odd: rank 1 sends 40001 bytes of layer 0, this rank expects 40000");
    expect_failure(state, "size-small:2", "", RT_SOFTWARE,
                   "channel even: rank 0 sends 700 bytes of layer 0, this rank expects 701");
    expect_failure(state, "layer:3", "", RT_SOFTWARE, "this rank expects 40000 of layer 1");
    expect_failure(state, "both:0", "", RT_SOFTWARE, "channel even: both ends receive");
    expect_failure(state, "both-small:3", "", RT_SOFTWARE, "channel odd: both ends send");
    expect_failure(state, "other:1", "", RT_SOFTWARE, "channel even is no pair of this rank's");
    expect_failure(state, "world:2", "", RT_SOFTWARE, "channel world is no pair of this rank's");
    expect_failure(state, "none:0", "", RT_SOFTWARE, "the program has no channel 5");
    expect_failure(state, "past:3", "", RT_SOFTWARE, "40000 bytes at offset");
}

static void test_wrong_stage(void **state) {
    expect_failure(state, "room:1", "", RT_SOFTWARE,
                   "channel stage: 14400 bytes arrive, 100 have room");
    expect_failure(state, "units:2", "", RT_SOFTWARE, "brings");
    expect_failure(state, "list:3", "", RT_SOFTWARE,
                   "channel world is not for this rank or lists no transfers");
}

static void test_late_peer(void **state) {
    static const char *const faults[] = {"never-small:3", "never:3", "never:1"};
    for (int i = 0; i < 3; ++i)
        expect_failure(state, faults[i], "--timeout-ms 300", RT_TIMEOUT,
                       i < 2 ? "rank 3 (worker) made no progress for 300 ms"
                             : "rank 1 (worker) made no progress for 300 ms");
}

static void test_killed_rank(void **state) {
    expect_failure(state, "kill:1", "", RT_TIMEOUT,
                   "moves: rank 1 (worker) was killed by signal 9 (Killed) in decode, layer 0, "
                   "operation 5 check; is the host out of memory?");
    expect_failure(state, "exit:0", "", RT_SOFTWARE,
                   "moves: rank 0 (worker) ended with status 0 in decode, layer 0, operation 5 "
                   "check");
}

static void test_bad_input(void **state) {
    char line[256];
    (void)state;
    snprintf(line, sizeof line, "run --tokens %s", path_of("none.rta"));
    assert_int_equal(call(line), RT_NOINPUT);
    assert_int_equal(call("run"), RT_USAGE);
    assert_int_equal(call("walk"), RT_USAGE);
    assert_int_equal(call("run --tokens x --timeout-ms 3s"), RT_USAGE);
    assert_int_equal(call("info --steps 3"), RT_USAGE);
    snprintf(line, sizeof line, "run --tokens %s --max-new-tokens 14", path_of("tokens.rta"));
    assert_int_equal(call(line), RT_DATA);
    assert_contains("stderr", "exceed the context of 16; ask for at most 13 new tokens");
    assert_int_equal(call("info"), 0);
    assert_contains("stdout", "4 ranks; batch 3, prompt 4, context 16, vocabulary 97");
}

static void test_other_world(void **state) {
    char line[256];
    (void)state;
    setenv("RANK", "0", 1);
    setenv("WORLD_SIZE", "7", 1);
    snprintf(line, sizeof line, "run --tokens %s", path_of("tokens.rta"));
    int status = call(line);
    unsetenv("RANK");
    unsetenv("WORLD_SIZE");
    assert_int_equal(status, RT_DATA);
    assert_contains("stderr", "torchrun started 7 ranks, this program is for 4");
}

/* Four processes that take their places from torchrun's variables; the status of each. */
static void run_seats(const char *fault, int status[WORLD]) {
    pid_t pids[WORLD];
    char line[256], seat[16];
    snprintf(line, sizeof line, "run --tokens %s --out %s/seats --record %s/seated -q",
             path_of("tokens.rta"), dir, dir);
    for (int r = WORLD - 1; r >= 0; --r) {
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] > 0)
            continue;
        snprintf(seat, sizeof seat, "%d", r);
        setenv("RANK", seat, 1);
        setenv("WORLD_SIZE", "4", 1);
        setenv("MASTER_PORT", dir, 1); /* no other launch has it */
        setenv("RT_TEST_FAULT", fault, 1);
        _exit(call(line));
    }
    for (int i = 0; i < WORLD; ++i) {
        int wait_status;
        pid_t pid = waitpid(-1, &wait_status, 0); /* reaped at once, so that peers see it gone */
        for (int r = 0; r < WORLD; ++r)
            if (pids[r] == pid)
                status[r] =
                    WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -WTERMSIG(wait_status);
    }
}

static void test_seats(void **state) {
    (void)state;
    int status[WORLD];
    run_seats("", status);
    for (int r = 0; r < WORLD; ++r)
        assert_int_equal(status[r], 0);
    assert_contains("seats/results.rta", RT_ARRAY_MAGIC);
    Arena arena = {0};
    Record records[WORLD];
    read_records(&arena, "seated", records);
    assert_int_equal(records[3].status, 0);
    arena_free(&arena);
    run_seats("kill:2", status);
    assert_int_equal(status[2], -SIGKILL);
    int told = 0;
    for (int r = 0; r < WORLD; ++r) {
        told += status[r] == RT_TIMEOUT;
        assert_int_not_equal(status[r], 0);
    }
    assert_int_equal(told, 1);
}

/* Rank `other` runs a program that differs in one digest, as where one node was not rebuilt: all end at once and tell of
 * both, whoever comes first. */
static void run_with_other(int other, bool first) {
    pid_t pids[WORLD];
    char line[256], seat[16], folder[sizeof dir];
    rt_program changed = program;
    changed.certificate = "fedcba9876543210";
    snprintf(line, sizeof line, "run --tokens %s --out %s/others -q --load-timeout-ms 60000",
             path_of("tokens.rta"), dir);
    double begin = rt_now();
    for (int i = 0; i < WORLD; ++i) {
        int r = first ? (i + other) % WORLD : (i + other + 1) % WORLD;
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] > 0)
            continue;
        snprintf(seat, sizeof seat, "%d", r);
        snprintf(folder, sizeof folder, "%.48s/rank%d", dir, r);
        setenv("RANK", seat, 1);
        setenv("WORLD_SIZE", "4", 1);
        setenv("MASTER_PORT", dir, 1);
        mkdir(folder, 0700);
        snprintf(dir, sizeof dir, "%s", folder);
        _exit(call_program(r == other ? &changed : &program, line));
    }
    int told = 0;
    for (int r = 0; r < WORLD; ++r) {
        int wait_status;
        char name[32];
        assert_int_equal(waitpid(pids[r], &wait_status, 0), pids[r]);
        assert_true(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0);
        snprintf(name, sizeof name, "rank%d/stderr", r);
        const char *text = content(name);
        bool tells = strstr(text, "runs another program than rank 0") &&
                     strstr(text, program.certificate) && strstr(text, changed.certificate);
        assert_true(tells || r != other);
        told += tells;
    }
    assert_true(told >= 2);             /* the other one, and who of the rest notices first */
    assert_true(rt_now() - begin < 50); /* the limit of 60 s had not to pass */
}

static void test_other_program(void **state) {
    (void)state;
    run_with_other(2, true);
    run_with_other(2, false);
    run_with_other(0, false);
}

#define ON(test, transport)                                                                        \
    { #test " over " transport, test, NULL, NULL, (void *)(uintptr_t)transport }

int main(int argc, char **argv) {
    if (argc > 1)
        return rt_main(&program, argc, argv);
    const struct CMUnitTest tests[] = {
        ON(test_results, "threads"),
        ON(test_results, "shm"),
        ON(test_logits, "threads"),
        ON(test_logits, "shm"),
        ON(test_verify, "threads"),
        ON(test_verify, "shm"),
        ON(test_bench, "threads"),
        ON(test_bench, "shm"),
        ON(test_record, "threads"),
        ON(test_record, "shm"),
        ON(test_record_of_killed_rank, "shm"),
        ON(test_failing_rank, "threads"),
        ON(test_failing_rank, "shm"),
        ON(test_hanging_rank, "threads"),
        ON(test_hanging_rank, "shm"),
        ON(test_wait_cycle, "threads"),
        ON(test_wait_cycle, "shm"),
        ON(test_wrong_count, "threads"),
        ON(test_wrong_count, "shm"),
        ON(test_wrong_transfer, "threads"),
        ON(test_wrong_transfer, "shm"),
        ON(test_wrong_stage, "threads"),
        ON(test_wrong_stage, "shm"),
        ON(test_late_peer, "threads"),
        ON(test_late_peer, "shm"),
        ON(test_killed_rank, "shm"),
        ON(test_slow_rank_within_limit, "threads"),
        ON(test_long_operation, "shm"),
        ON(test_long_operation, "threads"),
        ON(test_stopped_rank, "shm"),
        cmocka_unit_test(test_bad_input),
        cmocka_unit_test(test_other_world),
        cmocka_unit_test(test_seats),
        cmocka_unit_test(test_other_program),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
