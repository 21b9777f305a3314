/* Whole runs of the program of steps.h on stand-ins for CUDA's libraries: tokens of steps that are enqueued, captured and
 * replayed; counters; logits and weights; what is said of faults, of a device that does not go on, of too little memory, of
 * drivers and devices that are missing; times. The binary is the program when it is called with a verb; each run is a
 * process of its own, because the stand-ins read their environment once and keep their first failure. */
#include "steps.h"

#include "core/array_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { SEQUENCES = 6, MAX_NEW = 13, WAVES = 2 };

static const int32_t lengths[SEQUENCES] = {4, 1, 3, 2, 4, 2}, max_new[] = {MAX_NEW};
static const int32_t ids[SEQUENCES][PROMPT] = {{5, 6, 7, 8},     {9},     {1, 2, 96}, {3, 4},
                                               {11, 12, 13, 14}, {90, 91}};
static char dir[64], self[512];

static const char *path_of(const char *name) {
    static char paths[8][160];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

/* Of a checkpoint: a number for each element that 16 bits hold. */
static float stored(uint64_t index) {
    return (float)(index % 251) * 0.0625f;
}

/* A checkpoint in bfloat16, whose columns stand together, and its map. */
static void write_checkpoint(void) {
    static uint16_t elements[ROWS * COLUMNS];
    const char name[] = "elements";
    struct stat info;
    for (uint64_t i = 0; i < ROWS * COLUMNS; ++i)
        elements[i % COLUMNS * ROWS + i / COLUMNS] = rt_to_bf16(stored(i));
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(elements, sizeof elements, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(stat(path_of(name), &info), 0);
    rt_map_header header = {.version = RT_MAP_VERSION, .files = 1, .records = 1};
    header.name_bytes = sizeof name;
    memcpy(header.magic, RT_MAP_MAGIC, sizeof RT_MAP_MAGIC);
    memcpy(header.digest, steps_program.digest, sizeof header.digest);
    const rt_map_file of = {.size = sizeof elements,
                            .mtime_ns =
                                (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
    const rt_map_record record = {.rows = ROWS,
                                  .columns = COLUMNS,
                                  .row_step = 1,
                                  .column_step = ROWS,
                                  .slab = AT_WEIGHT,
                                  .pitch = COLUMNS,
                                  .type = RT_BF16,
                                  .slab_type = RT_F32};
    file = fopen(path_of("weights.map"), "wb");
    assert_non_null(file);
    fwrite(&header, sizeof header, 1, file);
    fwrite(&of, sizeof of, 1, file);
    fwrite(&record, sizeof record, 1, file);
    fwrite(name, sizeof name, 1, file);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state) {
    (void)state;
    rt_error error = {0};
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    snprintf(dir, sizeof dir, "/tmp/test_steps.XXXXXX");
    assert_non_null(mkdtemp(dir));
    const rt_array arrays[] = {{"lengths", RT_I32, 1, {SEQUENCES}, lengths},
                               {"ids", RT_I32, 2, {SEQUENCES, PROMPT}, ids},
                               {"max_new", RT_I32, 1, {1}, max_new}};
    write_checkpoint();
    return rt_arrays_write(path_of("tokens.rta"), steps_program.digest, arrays, 3, &error);
}

static int teardown(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    return system(command);
}

/* Run the program with `variables` in its environment; its exit status. */
static int call(const char *variables, const char *line) {
    char command[2048];
    snprintf(command, sizeof command, "%s '%s' %s > %s 2> %s", variables, self, line,
             path_of("stdout"), path_of("stderr"));
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int call_run(const char *variables, const char *more) {
    char line[1024];
    snprintf(line, sizeof line, "run --tokens %s --out %s --weights %s %s", path_of("tokens.rta"),
             path_of("out"), path_of("weights.map"), more);
    return call(variables, line);
}

static const char *content(const char *name) {
    static char text[1 << 18];
    FILE *file = fopen(path_of(name), "rb");
    *text = 0;
    if (!file)
        return text; /* nothing was written */
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void assert_contains(const char *name, const char *part) {
    const char *text = content(name);
    if (!strstr(text, part))
        fail_msg("%s does not hold \"%s\" but:\n%.2000s", name, part, text);
}

static void assert_status(int status, int wanted) {
    if (status != wanted)
        fail_msg("status %d, not %d: %.2000s", status, wanted, content("stderr"));
}

static int occurrences(const char *name, const char *part) {
    int count = 0;
    for (const char *at = content(name); (at = strstr(at, part)); at += strlen(part))
        ++count;
    return count;
}

/* --- results -------------------------------------------------------------------------------------------- */

static const void *array_of(const rt_arrays *file, const char *name, rt_type type, uint32_t dims) {
    const rt_array *array;
    rt_error error = {0};
    assert_int_equal(rt_arrays_get(file, "results", name, type, dims, &array, &error), RT_OK);
    return array->data;
}

static int token_of(int s, int t) {
    int id = ids[s][lengths[s] - 1], position = lengths[s] - 1;
    for (; t > 0; --t)
        id = steps_next(id, position++);
    return steps_next(id, position);
}

/* Tokens, and what the rank has counted, are those of a run without graphs. */
static void check_results(void) {
    rt_arrays file;
    rt_error error = {0};
    assert_int_equal(
        rt_arrays_read(&file, path_of("out/results.rta"), steps_program.digest, &error), RT_OK);
    const int32_t *tokens = array_of(&file, "tokens", RT_I32, 2);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < MAX_NEW; ++t)
            assert_int_equal(tokens[s * MAX_NEW + t], token_of(s, t));
    const int64_t *operations = array_of(&file, "operations", RT_I64, 2);
    for (int k = 0; k < KINDS; ++k)
        assert_int_equal(operations[k], WAVES * MAX_NEW * (k == 2 || k == 3 ? LAYERS : 1));
    assert_int_equal(((const int64_t *)array_of(&file, "weights", RT_I64, 1))[0],
                     4 * ROWS * COLUMNS);
    rt_arrays_free(&file);
}

static void log_of(char *variables, size_t size, const char *more) {
    snprintf(variables, size, "%s STANDIN_LOG=%s", more, path_of("log"));
    remove(path_of("log.rank0"));
}

static void test_replayed(void **state) {
    char variables[256];
    (void)state;
    log_of(variables, sizeof variables, "");
    assert_status(call_run(variables, "-q --transport nccl"), 0);
    check_results();
    /* the first decode step is enqueued, the second captured and launched, all others are replayed */
    assert_int_equal(occurrences("log.rank0", "cudaStreamBeginCapture"), 1);
    assert_int_equal(occurrences("log.rank0", "cudaGraphLaunch"), WAVES * (MAX_NEW - 1) - 1);
    assert_int_equal(occurrences("log.rank0", "kernel=steps_first"), WAVES + 2);
}

static void test_enqueued(void **state) {
    char variables[256], more[256];
    (void)state;
    log_of(variables, sizeof variables, "RT_CUDA_GRAPHS=0");
    assert_status(call_run(variables, "-q --transport nccl"), 0);
    check_results();
    assert_int_equal(occurrences("log.rank0", "cudaStreamBeginCapture"), 0);
    assert_int_equal(occurrences("log.rank0", "kernel=steps_first"), WAVES * MAX_NEW);
    assert_status(call_run("RT_CUDA_SYNC=1", "-q --transport nccl"), 0);
    check_results();
    assert_status(call_run("", "-q --transport loopback"), 0);
    check_results();
    /* what is recorded is not replayed */
    log_of(variables, sizeof variables, "");
    snprintf(more, sizeof more, "-q --transport nccl --record %s", path_of("calls"));
    assert_status(call_run(variables, more), 0);
    check_results();
    assert_int_equal(occurrences("log.rank0", "cudaStreamBeginCapture"), 0);
}

/* --- logits, weights ------------------------------------------------------------------------------------ */

static float drawn(uint64_t index) {
    return rt_random_weight(rt_random_key("head", 0), index, 0.02f);
}

/* Logits of all prompts, by weights that `weight_of` says. */
static void check_logits(float (*weight_of)(uint64_t index)) {
    unsigned char head[10];
    FILE *npy = fopen(path_of("logits.npy"), "rb");
    assert_non_null(npy);
    assert_int_equal(fread(head, 1, 10, npy), 10);
    assert_int_equal(fseek(npy, head[8] + 256 * head[9], SEEK_CUR), 0);
    for (int s = 0; s < SEQUENCES; ++s)
        for (int t = 0; t < PROMPT; ++t) {
            float row[STEPS_VOCABULARY];
            assert_int_equal(fread(row, sizeof *row, STEPS_VOCABULARY, npy), STEPS_VOCABULARY);
            for (int entry = 0; entry < STEPS_VOCABULARY; ++entry) {
                double wanted = 0;
                for (int i = 0; i < STEPS_INPUTS; ++i)
                    wanted += (token_of(s, 0) + i) *
                              (double)weight_of((uint64_t)entry * ROW_STEP * COLUMNS + (uint64_t)i);
                if (t < lengths[s])
                    assert_true(fabs(row[entry] - wanted) <= 1e-5 * fmax(1, fabs(wanted)));
                else
                    assert_true(isnan(row[entry]));
            }
        }
    fclose(npy);
}

static void test_logits(void **state) {
    char more[256];
    (void)state;
    snprintf(more, sizeof more, "-q --logits %s", path_of("logits.npy"));
    assert_status(call_run("", more), 0);
    check_results();
    check_logits(stored);
    snprintf(more, sizeof more, "run --tokens %s -q --logits %s", path_of("tokens.rta"),
             path_of("logits.npy"));
    assert_status(call("", more), 0);
    check_logits(drawn);
}

/* --- failures ------------------------------------------------------------------------------------------- */

/* Of position 6, which sequence 0 has in the third decode step: in a replay, and in a step that is enqueued. */
static void test_fault(void **state) {
    (void)state;
    const char *const said = "rank 0 (worker): decode, operation 8 first: token id 4711 is outside "
                             "the vocabulary of 97";
    assert_status(call_run("STEPS_SPOIL=6", "-q --transport nccl"), 70);
    assert_contains("stderr", said);
    assert_status(call_run("STEPS_SPOIL=6 RT_CUDA_GRAPHS=0", "-q --transport nccl"), 70);
    assert_contains("stderr", said);
    assert_status(call_run("STEPS_SPOIL=6 RT_CUDA_SYNC=1", "-q --transport loopback"), 70);
    assert_contains("stderr", said);
}

/* The device tells of it later, and is beyond use then. */
static void test_wrong(void **state) {
    (void)state;
    assert_status(call_run("STEPS_WRONG=1 RT_CUDA_SYNC=1", "-q --transport nccl"), 70);
    assert_contains("stderr", "decode, layer 1, operation 9 times: on the device: ");
    assert_contains("stderr", "(cudaErrorLaunchFailure)");
    assert_status(call_run("STEPS_WRONG=1 RT_CUDA_GRAPHS=0", "-q --transport nccl"), 70);
    assert_contains("stderr", ": decode");
    assert_contains("stderr", "on the device, in this operation or a later one: ");
    assert_contains("stderr", "with RT_CUDA_SYNC=1 the message names the very operation");
}

/* Kernels of a step: first, 3 x (times, plus), last. */
static void test_stuck(void **state) {
    struct timespec begin, end;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_status(call_run("STANDIN_STUCK=4 ASAN_OPTIONS=detect_leaks=0",
                           "-q --transport nccl --timeout-ms 300"),
                  75);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_contains("stderr",
                    "prefill, layer 1, operation 2 times: the device made no progress for "
                    "300 ms");
    assert_true(end.tv_sec - begin.tv_sec < 6);
    /* of the second decode step, which is captured */
    assert_status(call_run("STANDIN_STUCK=20 ASAN_OPTIONS=detect_leaks=0",
                           "-q --transport nccl --timeout-ms 300"),
                  75);
    assert_contains("stderr", "decode, between operations: the device made no progress for 300 ms "
                              "in a graph, of which RT_CUDA_GRAPHS=0 tells the operation");
}

static void test_memory(void **state) {
    (void)state;
    assert_status(call_run("STANDIN_MEMORY=150000000", "-q --transport nccl"), 69);
    assert_contains("stderr", "has 143.1 MiB free of 143.1 MiB; 1 rank needs");
    assert_contains("stderr", "workspaces of products 64.0");
    char variables[256];
    log_of(variables, sizeof variables, "STANDIN_MEMORY=150000000");
    assert_status(call_run(variables, "-q --transport nccl"), 69);
    assert_int_equal(occurrences("log.rank0", "cudaMalloc"), 0);
    assert_status(call_run("STANDIN_FAIL_MALLOC=1", "-q --transport nccl"), 69);
    assert_contains("stderr", "cudaMalloc: ");
}

static void test_missing(void **state) {
    (void)state;
    assert_status(call_run("STANDIN_DRIVER=12040", "-q"), 69);
    assert_contains("stderr", "the CUDA driver is for 12.4, this program's toolkit is 13.0");
    assert_status(call_run("STANDIN_DEVICES=0", "-q"), 69);
    assert_contains("stderr", "this machine has no ");
    assert_status(call_run("RT_CUDA_DEVICE=8", "-q --transport loopback"), 2);
    assert_contains("stderr", "RT_CUDA_DEVICE=8: there are devices 0 to 7");
    assert_status(call("STANDIN_DRIVER=0 STANDIN_DEVICES=0", "info"), 0);
    assert_contains("stdout", "here: CUDA 13.0, no driver, no GPU");
    assert_status(call("STANDIN_DRIVER=0 STANDIN_DEVICES=0", "info --json"), 0);
    assert_contains("stdout", "\"toolkit\":\"13.0\",\"driver\":null,\"gpus\":[],");
    assert_status(call("", "info --json"), 0);
    assert_contains("stdout", "\"driver\":\"13.0\"");
    assert_contains("stdout", "\"graphs\":[\"decode\"]");
    assert_status(call_run("", "--transport shm"), 2);
    assert_contains("stderr", "write nccl or loopback");
}

/* --- times ---------------------------------------------------------------------------------------------- */

static const char *with_weights(const char *line) {
    static char text[512];
    snprintf(text, sizeof text, "%s --weights %s", line, path_of("weights.map"));
    return text;
}

static void test_times(void **state) {
    char more[256];
    (void)state;
    snprintf(more, sizeof more, "-q --transport nccl --trace %s", path_of("trace.json"));
    assert_status(call_run("", more), 0);
    check_results();
    assert_int_equal(occurrences("trace.json", "\"name\":\"times\""), WAVES * MAX_NEW * LAYERS);
    assert_status(call("", with_weights("measure --steps 6 --repeat 2 --transport nccl -q")), 0);
    assert_contains("stdout", "worker        8 first");
    char variables[256];
    log_of(variables, sizeof variables, "");
    assert_status(call(variables, with_weights("bench --steps 6 --repeat 2 --transport nccl -q")),
                  0);
    assert_contains("stdout", "tpot");
    assert_int_equal(occurrences("log.rank0", "cudaStreamBeginCapture"), 1);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replayed), cmocka_unit_test(test_enqueued),
        cmocka_unit_test(test_logits),   cmocka_unit_test(test_fault),
        cmocka_unit_test(test_wrong),    cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_missing),
        cmocka_unit_test(test_times),
    };
    return argc > 1 ? rt_main(&steps_program, argc, argv)
                    : cmocka_run_group_tests(tests, setup, teardown);
}
