/* Whole runs of the program of rt_moves.h, as processes and as threads, or sharing a GPU (RT_MOVES_CUDA): results, counters, waves, verify, bench,
 * records, command lines. */
#include "rt_runs.h"

#include "core/array_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const void *array_of(const rt_arrays *file, const char *name, rt_type type, uint32_t dims) {
    const rt_array *array;
    rt_error error = {0};
    assert_int_equal(rt_arrays_get(file, "results", name, type, dims, &array, &error), RT_OK);
    return array->data;
}

static void test_results(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s --trace %s -q", runs_path("logits.npy"),
             runs_path("trace.json"));
    int status = runs_call(runs_line(state, more));
    if (status)
        fail_msg("%d: %s", status, runs_content("stderr"));
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(
        rt_arrays_read(&file, runs_path("out/results.rta"), moves_program.digest, &error), RT_OK);
    const int32_t *tokens = array_of(&file, "tokens", RT_I32, 2);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < MAX_NEW; ++t)
            assert_int_equal(tokens[s * MAX_NEW + t], runs_token(s, t));
    const int64_t *bytes = array_of(&file, "bytes", RT_I64, 2);
    for (int from = 0; from < WORLD; ++from)
        for (int to = 0; to < WORLD; ++to)
            assert_int_equal(bytes[from * WORLD + to], 2 * MAX_NEW * moves_bytes(from, to));
    const int64_t *operations = array_of(&file, "operations", RT_I64, 2);
    for (int r = 0; r < WORLD; ++r) {
        int64_t per_step[KINDS];
        moves_operations(r, per_step);
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
    runs_assert_contains("trace.json", "\"name\":\"dispatch\"");
}

static void test_logits(void **state) {
    char more[256];
    snprintf(more, sizeof more, "--logits %s -q", runs_path("logits.npy"));
    assert_int_equal(runs_call(runs_line(state, more)), 0);
    FILE *npy = fopen(runs_path("logits.npy"), "rb");
    assert_non_null(npy);
    unsigned char head[10];
    assert_int_equal(fread(head, 1, 10, npy), 10);
    assert_int_equal(fseek(npy, head[8] + 256 * head[9], SEEK_CUR), 0);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < 4; ++t) {
            float row[VOCABULARY];
            assert_int_equal(fread(row, sizeof *row, VOCABULARY, npy), VOCABULARY);
            if (t < runs_lengths[s])
                assert_true(row[3] == (float)(runs_ids[s][t] * 100 + t) + 1.5f);
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
        moves_operations(r, per_step);
        for (int k = 0; k < KINDS; ++k)
            operations[r][k] = 2 * MAX_NEW * per_step[k];
        for (int to = 0; to < WORLD; ++to)
            bytes[r][to] = 2 * MAX_NEW * moves_bytes(r, to);
    }
    for (int s = 0; s < SEQUENCES; ++s) {
        for (int t = 0; t < MAX_NEW; ++t)
            tokens[s][t] = runs_token(s, t);
        for (int t = 0; t < 4; ++t)
            for (int v = 0; v < VOCABULARY; ++v)
                logits[s][t][v] = (float)(runs_ids[s][t] * 100 + t) + (float)v * 0.5f;
    }
    tokens[2][3] += token_error;
    bytes[1][3] += byte_error;
    logits[1][0][7] += logit_error;
    if (uncertain) {
        tokens[2][3] = -1;
        bytes[1][3] = -1;
        logits[1][0][7] = NAN;
    }
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, runs_lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, 4}, runs_ids},
                               {"max_new", RT_I32, 1, {1}, runs_max_new},
                               {"tokens", RT_I32, 2, {SEQUENCES, MAX_NEW}, tokens},
                               {"operations", RT_I64, 2, {WORLD, KINDS}, operations},
                               {"bytes", RT_I64, 2, {WORLD, WORLD}, bytes},
                               {"weights", RT_I64, 1, {WORLD}, resident},
                               {"logits", RT_F32, 3, {SEQUENCES, 4, VOCABULARY}, logits},
                               {"tolerance", RT_F64, 1, {1}, tolerance}};
    rt_error error = {0};
    assert_int_equal(
        rt_arrays_write(runs_path("expected.rta"), moves_program.digest, arrays, 9, &error), RT_OK);
}

static void test_verify(void **state) {
    char line[256];
    snprintf(line, sizeof line, "verify --expected %s --transport %s", runs_path("expected.rta"),
             (const char *)*state);
    verify_write(0, 0, 0, false);
    assert_int_equal(runs_call(line), 0);
    runs_assert_contains("stdout", "moves: verified; logits differ by 0 ");
    verify_write(1, 4, 0.5f, false);
    assert_int_equal(runs_call(line), 1);
    runs_assert_contains("stdout", "tokens     1 of 20 differ, first sequence 2 new token 3");
    runs_assert_contains("stdout", "first rank 1 to 3");
    runs_assert_contains("stdout", "worst at sequence 1 position 0 entry 7: 903.5, expected 904");
    runs_assert_contains("stdout", "moves: DIFFERS in tokens, logits, bytes;");
    verify_write(1, 4, 0.5f, true);
    assert_int_equal(runs_call(line), 0);
    runs_assert_contains("stdout", "tokens     19 equal");
}

static void test_bench(void **state) {
    char line[256];
    snprintf(line, sizeof line,
             "bench --json --transport %s --steps 6 --repeat 2 --prompt-tokens 3",
             (const char *)*state);
    assert_int_equal(runs_call(line), 0);
    runs_assert_contains("stdout", "\"tpot_ms\":{\"count\":12,");
    snprintf(line, sizeof line, "measure --transport %s --batch 2 --out %s/measure",
             (const char *)*state, runs_dir);
    assert_int_equal(runs_call(line), 0);
    runs_assert_contains("stdout", "dispatch");
    runs_assert_contains("measure/measure.rta", RT_ARRAY_MAGIC);
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
    snprintf(more, sizeof more, "--record %s/calls", runs_dir);
    assert_int_equal(runs_call(runs_line(state, more)), 0);
    runs_records(&arena, "calls", records);
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

#ifndef RT_MOVES_CUDA
static void test_bad_input(void **state) {
    char line[256];
    (void)state;
    snprintf(line, sizeof line, "run --tokens %s", runs_path("none.rta"));
    assert_int_equal(runs_call(line), RT_NOINPUT);
    assert_int_equal(runs_call("run"), RT_USAGE);
    assert_int_equal(runs_call("walk"), RT_USAGE);
    assert_int_equal(runs_call("run --tokens x --timeout-ms 3s"), RT_USAGE);
    assert_int_equal(runs_call("info --steps 3"), RT_USAGE);
    snprintf(line, sizeof line, "run --tokens %s --max-new-tokens 14", runs_path("tokens.rta"));
    assert_int_equal(runs_call(line), RT_DATA);
    runs_assert_contains("stderr", "exceed the context of 16; ask for at most 13 new tokens");
    assert_int_equal(runs_call("info"), 0);
    runs_assert_contains("stdout", "4 ranks; batch 3, prompt 4, context 16, vocabulary 97");
}
#endif

static const struct CMUnitTest tests[] = {
#ifdef RT_MOVES_CUDA
    ON(test_results, "loopback"), ON(test_logits, "loopback"), ON(test_verify, "loopback"),
    ON(test_bench, "loopback"),   ON(test_record, "loopback"), ON(test_results, "nccl"),
    ON(test_logits, "nccl"),      ON(test_verify, "nccl"),     ON(test_bench, "nccl"),
    ON(test_record, "nccl"),
#else
    ON(test_results, "threads"),      ON(test_results, "shm"),
    ON(test_logits, "threads"),       ON(test_logits, "shm"),
    ON(test_verify, "threads"),       ON(test_verify, "shm"),
    ON(test_bench, "threads"),        ON(test_bench, "shm"),
    ON(test_record, "threads"),       ON(test_record, "shm"),
    cmocka_unit_test(test_bad_input),
#endif
};

RUNS_MAIN(tests)
