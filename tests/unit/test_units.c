/* Units: what is read, what is refused with which cure, and that what is written reads back
 * equal. */
#include "test.h"

#include "base/units.h"

static double parse(Quantity quantity, const char *text) {
    double value = -1;
    if (units_parse(quantity, text, &value) != UNITS_OK)
        fail_msg("%s is refused", text);
    return value;
}

static void test_parse(void **state) {
    assert_true(parse(QUANTITY_BYTES, "80 GB") == 80e9);
    assert_true(parse(QUANTITY_BYTES, "80GiB") == 80.0 * (1 << 30));
    assert_true(parse(QUANTITY_BYTES, "1.5 kB") == 1500);
    assert_true(parse(QUANTITY_BANDWIDTH, "200 Gb/s") == 25e9);
    assert_true(parse(QUANTITY_BANDWIDTH, "200 GB/s") == 200e9);
    assert_true(parse(QUANTITY_TIME, "5 us") == 5e-6);
    assert_true(parse(QUANTITY_TIME, "0.7 ms") == 0.7e-3);
    assert_true(parse(QUANTITY_FLOPS, "19.5 TFLOP/s") == 19.5e12);
}

static void test_refused(void **state) {
    double value;
    assert_int_equal(units_parse(QUANTITY_BYTES, "80", &value), UNITS_NO_UNIT);
    assert_true(value == 80);
    assert_int_equal(units_parse(QUANTITY_BYTES, "80 ", &value), UNITS_NO_UNIT);
    assert_int_equal(units_parse(QUANTITY_BYTES, "GB", &value), UNITS_NO_NUMBER);
    assert_int_equal(units_parse(QUANTITY_BYTES, "", &value), UNITS_NO_NUMBER);
    assert_int_equal(units_parse(QUANTITY_BYTES, "80 Gb", &value), UNITS_UNKNOWN_UNIT);
    assert_int_equal(units_parse(QUANTITY_BYTES, "80 GB/s", &value), UNITS_UNKNOWN_UNIT);
    assert_int_equal(units_parse(QUANTITY_BANDWIDTH, "200 Gbps", &value), UNITS_UNKNOWN_UNIT);
    assert_int_equal(units_parse(QUANTITY_TIME, "5 US", &value), UNITS_UNKNOWN_UNIT);
}

static void test_cures(void **state) {
    char help[UNITS_HELP];
    units_cure(QUANTITY_BANDWIDTH, 200, help);
    assert_string_equal(help, "write 200 Gb/s (InfiniBand HDR) or 200 GB/s");
    units_cure(QUANTITY_BANDWIDTH, 12.5, help);
    assert_string_equal(help, "write 12.5 Gb/s (bits) or 12.5 GB/s (bytes)");
    units_cure(QUANTITY_BYTES, 80, help);
    assert_string_equal(help, "write 80 GB (10^9 bytes) or 80 GiB (2^30 bytes)");
    units_list(QUANTITY_TIME, help);
    assert_string_equal(help, "units are s, ms, us, ns");
    units_list(QUANTITY_BANDWIDTH, help);
    assert_true(strlen(help) < UNITS_HELP - 1);
}

static void expect_text(Quantity quantity, double value, const char *wanted) {
    char text[UNITS_TEXT];
    units_format(quantity, value, text);
    assert_string_equal(text, wanted);
}

static void test_format(void **state) {
    expect_text(QUANTITY_BYTES, 80e9, "80 GB");
    expect_text(QUANTITY_BYTES, 80.0 * (1 << 30), "80 GiB");
    expect_text(QUANTITY_BYTES, 1000001, "1000001 B");
    expect_text(QUANTITY_BYTES, 0, "0 B");
    expect_text(QUANTITY_BANDWIDTH, 25e9, "25 GB/s");
    expect_text(QUANTITY_BANDWIDTH, 12.5e9, "12.5 GB/s");
    expect_text(QUANTITY_TIME, 5e-6, "5 us");
    expect_text(QUANTITY_TIME, 1, "1 s");
    expect_text(QUANTITY_FLOPS, 312e12, "312 TFLOP/s");
}

static void test_round_trip(void **state) {
    static const Quantity all[] = {QUANTITY_BYTES, QUANTITY_BANDWIDTH, QUANTITY_TIME,
                                   QUANTITY_FLOPS};
    double value = 1.0 / 7;
    for (int i = 0; i < 4000; i++) {
        char text[UNITS_TEXT];
        double scaled = value * (i % 5 == 0 ? 1e-9 : i % 5 == 1 ? 1e12 : 1e3);
        value = value * 16807 - (double)(int64_t)(value * 16807);
        units_format(all[i % 4], scaled, text);
        if (parse(all[i % 4], text) != scaled)
            fail_msg("%a is written %s", scaled, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_parse),  TEST(test_refused),    TEST(test_cures),
        TEST(test_format), TEST(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
