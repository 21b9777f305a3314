/* quantity: three digits, the unit that suits, whatever the locale. */
#include "report/quantity.h"
#include "test.h"

#include <math.h>

static const char *of(Test *test, const char *unit, double value) {
    Buf out = {0};
    quantity_text(unit, value, &out);
    const char *text = arena_strdup(&test->arena, out.data);
    buf_free(&out);
    return text;
}

static void units_suit_the_size(void **state) {
    Test *test = *state;
    assert_string_equal(of(test, "s", 1.82e-3), "1.82 ms");
    assert_string_equal(of(test, "s", 0.9996e-3), "1.00 ms");
    assert_string_equal(of(test, "s", 61), "61.0 s");
    assert_string_equal(of(test, "s", 4e-10), "0.400 ns");
    assert_string_equal(of(test, "s", 0), "0 s");
    assert_string_equal(of(test, "B", 85.9e9), "85.9 GB");
    assert_string_equal(of(test, "J", 0.82e-3), "820 uJ");
    assert_string_equal(of(test, "%", 0.897), "89.7 %");
    assert_string_equal(of(test, "x", 3.2), "3.20 x");
    assert_string_equal(of(test, "tokens/s", 212624), "212,624 tokens/s");
    assert_string_equal(of(test, "-", 2147548160), "2,147,548,160");
    assert_string_equal(of(test, "-", NAN), "-");
    assert_string_equal(of(test, "-", -1234.5), "-1,234");
    assert_string_equal(of(test, "-", 0.0109), "0.0109");
}

static void an_interval_has_one_unit(void **state) {
    Buf out = {0};
    quantity_interval("s", (const double[]){0.8e-3, 1.2e-3, 12e-3}, &out);
    assert_string_equal(out.data, "1.20 ms [0.800..12.0]");
    buf_clear(&out);
    quantity_interval("B", (const double[]){5e9, 5e9, 5e9}, &out);
    assert_string_equal(out.data, "5.00 GB");
    buf_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(units_suit_the_size), TEST(an_interval_has_one_unit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
