/* JSON writer: layout, escapes, and numbers that read back equal in every locale. */
#include "test.h"

#include "base/jsonw.h"
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>

static void test_layout(void **state) {
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_object(&json, false);
    jsonw_key(&json, "a");
    jsonw_array(&json, false);
    jsonw_object(&json, true);
    jsonw_key(&json, "x");
    jsonw_int(&json, -5);
    jsonw_key(&json, "y");
    jsonw_array(&json, false); /* within a line all is on that line */
    jsonw_bool(&json, true);
    jsonw_null(&json);
    jsonw_end(&json);
    jsonw_end(&json);
    jsonw_array(&json, false);
    jsonw_end(&json);
    jsonw_end(&json);
    jsonw_key(&json, "b");
    jsonw_string(&json, NULL);
    jsonw_end(&json);
    jsonw_finish(&json);
    assert_string_equal(out.data, "{\n"
                                  "  \"a\": [\n"
                                  "    {\"x\": -5, \"y\": [true, null]},\n"
                                  "    []\n"
                                  "  ],\n"
                                  "  \"b\": null\n"
                                  "}\n");
    buf_free(&out);
}

/* Escaped as JSON wants, and read back equal by the one reader that gen has. */
static void test_escapes(void **state) {
    Test *test = *state;
    const char *text = "\"\\/\b\n\t\001\177\302\205\303\251";
    Buf out = {0};
    Jsonw json;
    jsonw_begin(&json, &out);
    jsonw_string(&json, text);
    assert_string_equal(out.data, "\"\\\"\\\\/\\u0008\\n\\t\\u0001\\u007f\\u0085\303\251\"");
    assert_string_equal(test_yaml(test, out.data)->text, text);
    buf_free(&out);
}

static void expect_real(double value, const char *wanted) {
    char text[32];
    jsonw_format_real(text, value);
    assert_string_equal(text, wanted);
    if (isfinite(value))
        assert_true(number_to_real(text) == value);
}

static void check_reals(void) {
    expect_real(0, "0");
    expect_real(-0.0, "-0");
    expect_real(4, "4");
    expect_real(-1e15, "-1000000000000000");
    expect_real(9007199254740991.0, "9007199254740991");
    expect_real(0x1p53, "9.007199254740992e15");
    expect_real(0.1, "0.1");
    expect_real(-312.625, "-312.625");
    expect_real(1e-5, "0.00001");
    expect_real(1e-12, "1e-12");
    expect_real(1.5e-7, "1.5e-7");
    expect_real(1e300, "1e300");
    expect_real(1.0 / 3, "0.3333333333333333");
    expect_real(DBL_MAX, "1.7976931348623157e308");
    expect_real(4.9406564584124654e-324, "5e-324");
    expect_real(NAN, "null");
    expect_real(-INFINITY, "null");
}

static void test_reals(void **state) {
    check_reals();
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
    for (int i = 0; i < 3; i++)
        if (setlocale(LC_ALL, names[i]))
            check_reals();
    setlocale(LC_ALL, "C");
}

static void test_random_reals(void **state) {
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        char text[32];
        double value;
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value))
            continue;
        jsonw_format_real(text, value);
        assert_true(strlen(text) < 32);
        if (number_to_real(text) != value)
            fail_msg("%a is written %s", value, text);
    }
}

static void test_numbers(void **state) {
    static const char *const good[] = {"1", "-0.5", ".5", "5.", "1e-4", "1E+4", NULL};
    static const char *const bad[] = {"",    "-",   ".",   "e5", "1e", "0x10",
                                      "inf", "nan", "1,5", " 1", "1 ", NULL};
    double value;
    for (int i = 0; good[i]; i++)
        assert_true(number_parse_real(good[i], &value));
    for (int i = 0; bad[i]; i++)
        assert_false(number_parse_real(bad[i], &value));
    int64_t whole;
    bool overflow;
    assert_true(number_parse_int("-9223372036854775808", &whole, &overflow));
    assert_true(whole == INT64_MIN);
    assert_false(number_parse_int("9223372036854775808", &whole, &overflow));
    assert_true(overflow);
    assert_false(number_parse_int("+1", &whole, &overflow));
    assert_false(overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_layout),       TEST(test_escapes), TEST(test_reals),
        TEST(test_random_reals), TEST(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
