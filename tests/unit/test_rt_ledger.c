/* The ledger of a device's memory: what fits, what does not, and that all its numbers are told. */
#include "cuda/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const int64_t mib = 1 << 20;

static rt_ledger two_ranks(void) {
    rt_ledger ledger = {0};
    rt_ledger_add(&ledger, 3, 100 * mib, 8 * mib, mib);
    rt_ledger_add(&ledger, 7, 300 * mib, 8 * mib, mib);
    return ledger;
}

static void test_fits(void **state) {
    (void)state;
    rt_ledger ledger = two_ranks();
    rt_error error = {0};
    assert_int_equal(rt_ledger_check(&ledger, 518 * mib, 600 * mib, 100 * mib, "GPU 0", &error),
                     RT_OK);
    assert_int_equal(*error.text, 0);
}

static void test_lacks(void **state) {
    (void)state;
    rt_ledger ledger = two_ranks();
    rt_error error = {0};
    assert_int_equal(rt_ledger_check(&ledger, 518 * mib - 1, 600 * mib, 100 * mib, "GPU 0", &error),
                     RT_UNAVAILABLE);
    const char *const parts[] = {"GPU 0 has 518.0 MiB free of 600.0 MiB",
                                 "2 ranks need 518.0 MiB",
                                 "slabs 400.0 (the largest, of rank 7, 300.0)",
                                 "workspaces of products 16.0",
                                 "else 2.0",
                                 "100.0 are left to libraries",
                                 "plan for more GPUs"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i)
        assert_non_null(strstr(error.text, parts[i]));
}

static void test_one(void **state) {
    (void)state;
    rt_ledger ledger = {0};
    rt_error error = {0};
    rt_ledger_add(&ledger, 0, 0, 0, 0);
    assert_int_equal(rt_ledger_check(&ledger, 0, 0, 0, "GPU 1", &error), RT_OK);
    assert_int_equal(rt_ledger_check(&ledger, 0, 0, 1, "GPU 1", &error), RT_UNAVAILABLE);
    assert_non_null(strstr(error.text, "1 rank needs"));
}

/* Sums that 63 bits cannot hold are too much for any device. */
static void test_saturates(void **state) {
    (void)state;
    rt_ledger ledger = {0};
    rt_error error = {0};
    for (int32_t r = 0; r < 4; ++r)
        rt_ledger_add(&ledger, r, INT64_MAX / 2, INT64_MAX / 2, 1);
    assert_int_equal(ledger.slabs, INT64_MAX);
    assert_int_equal(rt_ledger_check(&ledger, INT64_MAX - 1, INT64_MAX, 1, "GPU 0", &error),
                     RT_UNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_lacks),
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
