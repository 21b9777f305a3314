/* The threads of a rank: every index is done once, by ranges as asked for, and what was done is seen afterwards. And what
 * the environment may say of threads and vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/tune.h"
#include "host/workers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 1000, PIECES = 3000 };

typedef struct Piece {
    int64_t count, grain;
    int32_t *done; /* [count] plain memory: ranges must not overlap */
    _Atomic int faults;
    bool slow;
} Piece;

static void mark(const void *context, int64_t begin, int64_t end) {
    Piece *piece = *(Piece *const *)context;
    if (begin % piece->grain || (end % piece->grain && end != piece->count) || begin >= end)
        atomic_fetch_add(&piece->faults, 1);
    if (piece->slow)
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    for (int64_t i = begin; i < end; ++i)
        piece->done[i]++;
}

static void run_pieces(int helpers, int pieces, bool slow) {
    static int32_t done[MOST];
    rt_workers *workers = rt_workers_create(helpers);
    assert_non_null(workers);
    for (int turn = 0; turn < pieces; ++turn) {
        Piece piece = {.count = turn % MOST, .grain = 1 + turn % 17, .done = done, .slow = slow};
        Piece *context = &piece;
        memset(done, 0, sizeof done);
        rt_workers_run(workers, piece.count, piece.grain, mark, &context);
        assert_int_equal(atomic_load(&piece.faults), 0);
        for (int64_t i = 0; i < MOST; ++i)
            assert_int_equal(done[i], i < piece.count);
    }
    rt_workers_free(workers);
}

static void test_pieces(void **state) {
    (void)state;
    run_pieces(0, 50, false);
    run_pieces(1, PIECES, false);
    run_pieces(5, PIECES, false);
}

/* Helpers have gone to sleep between the pieces, and the caller before the last chunk is done. */
static void test_sleepers(void **state) {
    (void)state;
    run_pieces(3, 40, true);
}

static void test_none(void **state) {
    (void)state;
    rt_workers_free(NULL);
    rt_workers_free(rt_workers_create(2)); /* never used */
}

static void expect_tune(const char *name, const char *value, rt_status status, const char *text) {
    rt_tune tune;
    rt_error error = {0};
    setenv(name, value, 1);
    assert_int_equal(rt_tune_read(&tune, 1, &error), status);
    if (text)
        assert_string_equal(error.text, text);
    unsetenv(name);
}

static void test_tune(void **state) {
    (void)state;
    unsetenv("RT_THREADS");
    unsetenv("RT_VECTORS");
    rt_tune tune;
    rt_error error = {0};
    assert_int_equal(rt_tune_read(&tune, 1 << 20, &error), RT_OK);
    assert_int_equal(tune.threads, 1);
    setenv("RT_THREADS", "3", 1);
    setenv("RT_VECTORS", "plain", 1);
    assert_int_equal(rt_tune_read(&tune, 1 << 20, &error), RT_OK);
    assert_int_equal(tune.threads, 3);
    assert_int_equal(tune.vectors, RT_VECTORS_PLAIN);
    unsetenv("RT_THREADS");
    unsetenv("RT_VECTORS");
    expect_tune("RT_VECTORS", "sse", RT_USAGE,
                "RT_VECTORS is \"sse\"; write plain, avx2 or avx512");
    expect_tune("RT_VECTORS", "", RT_USAGE, "RT_VECTORS is \"\"; write plain, avx2 or avx512");
    for (const char *const *bad = (const char *const[]){"0", "-1", "2x", "", "99999", NULL}; *bad;
         ++bad)
        expect_tune("RT_THREADS", *bad, RT_USAGE, NULL);
    expect_tune("RT_THREADS", "two", RT_USAGE,
                "RT_THREADS is \"two\"; write the threads of a rank, 1 to 1024");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_sleepers),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_tune),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
