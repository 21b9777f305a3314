/* Ranks that are processes with a device each, over the stand-in for NCCL: what is told when one dies, hangs, leaves a move
 * out, or NCCL fails; that all end; preflight; and how such ranks must not be started. */
#include "rt_runs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char nccl[] = "nccl";

/* Lines that a rank wrote, but for what the stand-in says for itself. */
static int lines_of(const char *file) {
    int lines = 0;
    for (const char *at = runs_content(file); *at; at = strchr(at, '\n') + 1)
        lines += strncmp(at, "stand-in,", 9) != 0;
    return lines;
}

/* Run with a variable of the environment, which says what goes wrong; seconds that it took. */
static double run_with(const char *name, const char *value, const char *more) {
    void *state = nccl;
    double begin = rt_now();
    setenv(name, value, 1);
    runs_call(runs_line(&state, more));
    unsetenv(name);
    for (int r = 0; r < WORLD; ++r)
        assert_int_not_equal(runs_status[r], 0);
    assert_int_equal(lines_of("stderr"), 1); /* rank 0 tells, and nobody else */
    for (int r = 1; r < WORLD; ++r) {
        char file[32];
        snprintf(file, sizeof file, "stderr.%d", r);
        assert_int_equal(lines_of(file), 0);
    }
    return rt_now() - begin;
}

static void test_fails(void **state) {
    (void)state;
    double seconds = run_with("RT_TEST_FAULT", "fail:3", "-q --timeout-ms 30000");
    assert_int_equal(runs_status[0], RT_DATA);
    runs_assert_contains("stderr",
                         "moves: rank 3 (worker): decode, layer 0, operation 5 check: as asked");
    assert_true(seconds < 20); /* nobody waited for its limit */
}

static void test_killed(void **state) {
    (void)state;
    double seconds = run_with("RT_TEST_FAULT", "kill:1", "-q --timeout-ms 30000");
    assert_int_equal(runs_status[0], RT_TIMEOUT);
    assert_int_equal(runs_status[1], -SIGKILL);
    runs_assert_contains("stderr",
                         "moves: rank 1 (worker) ended before its work was done, last seen in ");
    runs_assert_contains("stderr", "its connection from host");
    assert_true(seconds < 20);
}

static void test_hangs(void **state) {
    (void)state;
    run_with("RT_TEST_FAULT", "hang:3", "-q --timeout-ms 400");
    assert_int_equal(runs_status[0], RT_TIMEOUT);
    runs_assert_contains("stderr", "the device made no progress for 400 ms over channel ");
    runs_assert_contains("stderr",
                         "of its members rank 3 is in decode, layer 0, operation 5 check");
}

/* A rank leaves a message out that another waits for. */
static void test_skips(void **state) {
    (void)state;
    setenv("STANDIN_NCCL_SKIP", "1:5", 1);
    runs_call("preflight --transport nccl --load-timeout-ms 1000");
    unsetenv("STANDIN_NCCL_SKIP");
    for (int r = 0; r < WORLD; ++r)
        assert_int_not_equal(runs_status[r], 0);
    assert_int_equal(lines_of("stderr"), 1);
    runs_assert_contains("stderr", "(worker): loading: ");
}

/* A rank never sends what another waits for. */
static void test_never_sends(void **state) {
    (void)state;
    run_with("RT_TEST_FAULT", "never:3", "-q --timeout-ms 400");
    assert_int_equal(runs_status[0], RT_TIMEOUT);
    runs_assert_contains("stderr", "the device made no progress for 400 ms over channel ");
    runs_assert_contains("stderr", "; of its members rank 3 is in decode, layer 0, operation ");
}

static void test_error(void **state) {
    (void)state;
    double seconds = run_with("STANDIN_NCCL_ERROR", "2:60", "-q --timeout-ms 30000");
    runs_assert_contains("stderr", "moves: rank 2 (worker): ");
    runs_assert_contains("stderr", "over channel ");
    runs_assert_contains("stderr", "NCCL_DEBUG=INFO tells more");
    assert_true(seconds < 20);
}

/* A communicator that cannot be given up: the process is ended all the same. */
static void test_abort_blocks(void **state) {
    (void)state;
    setenv("STANDIN_NCCL_ABORT_BLOCKS", "1", 1);
    double seconds = run_with("RT_TEST_FAULT", "never:3", "-q --timeout-ms 400");
    unsetenv("STANDIN_NCCL_ABORT_BLOCKS");
    assert_int_equal(runs_status[0], RT_TIMEOUT);
    runs_assert_contains("stderr", "; of its members rank 3 is in decode, layer 0, operation ");
    assert_true(seconds < 20);
}

static void test_one_device(void **state) {
    (void)state;
    run_with("RT_CUDA_DEVICE", "0", "-q");
    runs_assert_contains("stderr", "moves: ranks ");
    runs_assert_contains("stderr", " were given one GPU (");
    runs_assert_contains("stderr", "or run all ranks on one GPU with --transport loopback");
}

/* Two of the ranks find no GPU left: the others hear of it at once. */
static void test_few_devices(void **state) {
    (void)state;
    double seconds = run_with("STANDIN_DEVICES", "2", "-q");
    runs_assert_contains("stderr", "(worker): rank ");
    runs_assert_contains("stderr",
                         " of this host has no GPU: there are 2; start fewer ranks a host");
    assert_int_equal(runs_status[0], RT_UNAVAILABLE);
    assert_true(seconds < 20);
}

static void test_no_launcher(void **state) {
    void *transport = nccl;
    (void)state;
    assert_int_equal(runs_call_program(&moves_program, runs_line(&transport, "-q")), RT_USAGE);
    runs_assert_contains("stderr", "--transport nccl needs a process for each of 4 ranks: start "
                                   "them with torchrun, mpirun or srun");
}

static void test_preflight(void **state) {
    (void)state;
    assert_int_equal(runs_call("preflight --transport nccl --share 1e-9"), 0);
    runs_assert_contains("stdout", "\nrank 0 to rank 2, by NICs ");
    runs_assert_contains("stdout", "\nnode 1 NIC 1 in, ");
    runs_assert_contains("stdout", "\n0 of ");
    for (int r = 1; r < WORLD; ++r)
        assert_int_equal(runs_status[r], 0);
    assert_int_equal(runs_call("preflight --transport nccl --json"), 1); /* 1 TB/s are wanted */
    runs_assert_contains("stdout", "{\"link\":\"rank 0 to rank 1\",\"expected\":1e+12,");
    runs_assert_contains("stdout", "\"ok\":false");
    assert_int_equal(runs_call("preflight --transport loopback"), RT_USAGE);
    runs_assert_contains("stderr", "ranks that share a GPU have no links to measure");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fails),        cmocka_unit_test(test_killed),
    cmocka_unit_test(test_hangs),        cmocka_unit_test(test_skips),
    cmocka_unit_test(test_never_sends),  cmocka_unit_test(test_error),
    cmocka_unit_test(test_abort_blocks), cmocka_unit_test(test_one_device),
    cmocka_unit_test(test_few_devices),  cmocka_unit_test(test_no_launcher),
    cmocka_unit_test(test_preflight),
};

RUNS_MAIN(tests)
