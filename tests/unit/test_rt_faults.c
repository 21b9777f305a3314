/* Runs of the program of rt_moves.h in which a rank fails, hangs, dies, or disagrees with its peers: what is told of it,
 * and that all end. */
#include "rt_runs.h"

#include <string.h>

static void expect_failure(void **state, const char *fault, const char *more, int status,
                           const char *message) {
    setenv("RT_TEST_FAULT", fault, 1);
    int got = runs_call(runs_line(state, more));
    unsetenv("RT_TEST_FAULT");
    runs_assert_contains("stderr", message);
    assert_int_equal(got, status);
    const char *text = runs_content("stderr");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static void test_failing_rank(void **state) {
    double begin = rt_now();
    expect_failure(state, "fail:3", "-q --timeout-ms 60000", RT_DATA, "rank 3 (worker): decode");
    assert_true(rt_now() - begin < 50); /* all who wait were woken, none by its limit */
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
    int status = runs_call(runs_line(state, "-q --max-new-tokens 2"));
    unsetenv("RT_TEST_FAULT");
    assert_int_equal(status, 0);
}

/* One operation that takes six limits, but works. */
static void test_long_operation(void **state) {
    setenv("RT_TEST_FAULT", "busy:3", 1);
    int status = runs_call(runs_line(state, "-q --max-new-tokens 2 --timeout-ms 250"));
    unsetenv("RT_TEST_FAULT");
    assert_string_equal(runs_content("stderr"), "");
    assert_int_equal(status, 0);
}

#ifndef RT_MOVES_CUDA
static void test_stopped_rank(void **state) {
    expect_failure(state, "stop:2", "--timeout-ms 300", RT_TIMEOUT,
                   "made no progress for 300 ms (stopped by ");
    runs_assert_contains("stderr", "in decode, layer 0, operation 5 check)");
}

#endif

/* Windows are padded in the first exchange: there counts stay on the device, whose kernel finds it. */
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

#ifndef RT_MOVES_CUDA
static void test_killed_rank(void **state) {
    expect_failure(state, "kill:1", "", RT_TIMEOUT,
                   "moves: rank 1 (worker) was killed by signal 9 (Killed) in decode, layer 0, "
                   "operation 5 check; is the host out of memory?");
    expect_failure(state, "exit:0", "", RT_SOFTWARE,
                   "moves: rank 0 (worker) ended with status 0 in decode, layer 0, operation 5 "
                   "check");
}

/* What a rank did that was killed stands there, the call that it died in as the last. */
static void test_record_of_killed_rank(void **state) {
    Arena arena = {0};
    Record records[WORLD];
    char more[128];
    snprintf(more, sizeof more, "-q --record %s/killed", runs_dir);
    setenv("RT_TEST_FAULT", "kill:1", 1);
    assert_int_equal(runs_call(runs_line(state, more)), RT_TIMEOUT);
    unsetenv("RT_TEST_FAULT");
    runs_records(&arena, "killed", records);
    assert_int_equal(records[1].status, -1);
    assert_int_equal(records[1].runs.count, 2);
    assert_int_equal(records[1].calls[records[1].call_count - 1].op, OP_CHECK);
    for (int r = 0; r < WORLD; ++r)
        assert_true(records[r].status != 0 && records[r].call_count > 0);
    arena_free(&arena);
}

#endif

static const struct CMUnitTest tests[] = {
#ifdef RT_MOVES_CUDA
    ON(test_failing_rank, "loopback"),   ON(test_hanging_rank, "loopback"),
    ON(test_wait_cycle, "loopback"),     ON(test_wrong_count, "loopback"),
    ON(test_wrong_transfer, "loopback"), ON(test_wrong_stage, "loopback"),
    ON(test_late_peer, "loopback"),      ON(test_slow_rank_within_limit, "loopback"),
    ON(test_long_operation, "loopback"),
#else
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
#endif
};

RUNS_MAIN(tests)
