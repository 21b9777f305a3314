/* Ranks of the program of rt_moves.h that another launcher starts, each in its seat; among them some of another program. */
#include "rt_runs.h"

#include "core/array_file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_other_world(void **state) {
    char line[256];
    (void)state;
    setenv("RANK", "0", 1);
    setenv("WORLD_SIZE", "7", 1);
    snprintf(line, sizeof line, "run --tokens %s", runs_path("tokens.rta"));
    int status = runs_call(line);
    unsetenv("RANK");
    unsetenv("WORLD_SIZE");
    assert_int_equal(status, RT_DATA);
    runs_assert_contains("stderr", "torchrun started 7 ranks, this program is for 4");
}

/* Four processes that take their places from torchrun's variables; the status of each. */
static void run_seats(const char *fault, int status[WORLD]) {
    pid_t pids[WORLD];
    char line[256], seat[16];
    snprintf(line, sizeof line, "run --tokens %s --out %s/seats --record %s/seated -q",
             runs_path("tokens.rta"), runs_dir, runs_dir);
    for (int r = WORLD - 1; r >= 0; --r) {
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] > 0)
            continue;
        snprintf(seat, sizeof seat, "%d", r);
        setenv("RANK", seat, 1);
        setenv("WORLD_SIZE", "4", 1);
        setenv("MASTER_PORT", runs_dir, 1); /* no other launch has it */
        setenv("RT_TEST_FAULT", fault, 1);
        _exit(runs_call(line));
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
    runs_assert_contains("seats/results.rta", RT_ARRAY_MAGIC);
    Arena arena = {0};
    Record records[WORLD];
    runs_records(&arena, "seated", records);
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
    char line[256], seat[16], folder[sizeof runs_dir];
    rt_program changed = moves_program;
    changed.certificate = "fedcba9876543210";
    snprintf(line, sizeof line, "run --tokens %s --out %s/others -q --load-timeout-ms 60000",
             runs_path("tokens.rta"), runs_dir);
    double begin = rt_now();
    for (int i = 0; i < WORLD; ++i) {
        int r = first ? (i + other) % WORLD : (i + other + 1) % WORLD;
        pids[r] = fork();
        assert_true(pids[r] >= 0);
        if (pids[r] > 0)
            continue;
        snprintf(seat, sizeof seat, "%d", r);
        snprintf(folder, sizeof folder, "%.48s/rank%d", runs_dir, r);
        setenv("RANK", seat, 1);
        setenv("WORLD_SIZE", "4", 1);
        setenv("MASTER_PORT", runs_dir, 1);
        mkdir(folder, 0700);
        snprintf(runs_dir, sizeof runs_dir, "%s", folder);
        _exit(runs_call_program(r == other ? &changed : &moves_program, line));
    }
    int told = 0;
    for (int r = 0; r < WORLD; ++r) {
        int wait_status;
        char name[32];
        assert_int_equal(waitpid(pids[r], &wait_status, 0), pids[r]);
        assert_true(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0);
        snprintf(name, sizeof name, "rank%d/stderr", r);
        const char *text = runs_content(name);
        bool tells = strstr(text, "runs another program than rank 0") &&
                     strstr(text, moves_program.certificate) && strstr(text, changed.certificate);
        assert_true(tells || r != other);
        told += tells;
    }
    assert_true(told >= 2);             /* the other one, and who of the rest notices first */
    assert_true(rt_now() - begin < 40); /* the limit of 60 s had not to pass */
}

static void test_other_program(void **state) {
    (void)state;
    run_with_other(2, true);
    run_with_other(2, false);
    run_with_other(0, false);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_other_world),
    cmocka_unit_test(test_seats),
    cmocka_unit_test(test_other_program),
};

RUNS_MAIN(tests)
