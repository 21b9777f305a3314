/* Leftovers: a process that ends in the middle undoes what it guarded; forks and released guards undo nothing. */
#include "base/leftover.h"

#include "test.h"

#include <sys/wait.h>

static void undo(void *path) {
    unlink(path);
}

/* Run `end` in a process that guards the file; does it still stand afterwards? */
static bool stands_after(Test *test, void (*end)(Leftover *)) {
    char *path = arena_strdup(&test->arena, test_path(test, "guarded"));
    assert_int_equal(fs_write(path, "x", 1, &test->diag), STATUS_OK);
    pid_t pid = fork();
    if (pid == 0) {
        Leftover *leftover = leftover_guard(undo, path);
        end(leftover);
        exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return fs_exists(path);
}

static void end_at_once(Leftover *leftover) {}

static void end_released(Leftover *leftover) {
    leftover_release(leftover);
}

static void end_in_fork(Leftover *leftover) {
    pid_t pid = fork();
    if (pid == 0)
        exit(0);
    waitpid(pid, NULL, 0);
    _exit(0);
}

static void test_guards(void **state) {
    Test *test = *state;
    assert_false(stands_after(test, end_at_once));
    assert_true(stands_after(test, end_released));
    assert_true(stands_after(test, end_in_fork));
    leftover_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
