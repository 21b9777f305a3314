/* The program of tests/unit/rt_moves.h under ThreadSanitizer, all ranks on one device of the stand-ins: no stream copies what
 * is not ordered before it; and where streams do not wait for their peers' events, that is found. So each of these waits
 * is in its place. */
#include "rt_runs.h"

#include <stdio.h>
#include <unistd.h>

/* Run this binary as the program, in a process of its own, which the sanitizer may end. */
static int run_apart(void **state, const char *environment) {
    char path[512], command[1024];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(length > 0);
    path[length] = 0;
    int size = snprintf(command, sizeof command, "%s %s %s > %s 2>&1", environment, path,
                        runs_line(state, "-q --max-new-tokens 2"), runs_path("told"));
    assert_true(size < (int)sizeof command);
    return system(command);
}

static void test_waits(void **state) {
    if (run_apart(state, "") != 0)
        fail_msg("%s", runs_content("told"));
}

static void test_waits_left_out(void **state) {
    assert_int_not_equal(run_apart(state, "TSAN_OPTIONS=halt_on_error=1 STANDIN_SKIP_PEERS=1"), 0);
    runs_assert_contains("told", "WARNING: ThreadSanitizer: data race");
}

static const struct CMUnitTest tests[] = {
    ON(test_waits, "loopback"),
    ON(test_waits_left_out, "loopback"),
};

RUNS_MAIN(tests)
