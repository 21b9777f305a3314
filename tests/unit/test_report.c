/* report: claims are read, what follows from them is computed, and each is judged by our interval. */
#include "report/report.h"
#include "test.h"

#include <math.h>

static const StudyCheck *check_of(const Study *study, const char *title) {
    for (int64_t i = 0; i < study->checks.count; i++)
        if (strcmp(study->checks.items[i].title, title) == 0)
            return &study->checks.items[i];
    fail_msg("there is no check '%s'", title);
    return NULL;
}

static void assert_follows(const Study *study, const char *title, double follows, bool holds) {
    const StudyCheck *check = check_of(study, title);
    if (fabs(check->follows - follows) > 0.005 * fabs(follows))
        fail_msg("%s: %g, not %g", title, check->follows, follows);
    if (check->holds != holds)
        fail_msg("%s: %s", title, holds ? "does not hold" : "holds");
}

static void every_study_names_what_there_is(void **state) {
    Test *test = *state;
    int count = 0;
    for (const char *const *name = study_names(&test->arena); *name; name++, count++) {
        Study study;
        if (study_read(&test->arena, NULL, *name, &study, &test->diag) != STATUS_OK)
            fail_msg("%s: %s", *name, test_messages(test));
        assert_true(study.tables.count > 0 && study.checks.count > 0 && study.points.count > 0);
    }
    assert_true(count >= 1);
}

/* The contradictions of the documents on separation, computed from the claims alone. */
static void contradictions_are_computed(void **state) {
    Test *test = *state;
    Study study;
    assert_int_equal(study_read(&test->arena, NULL, "ma-separation", &study, &test->diag),
                     STATUS_OK);
    assert_follows(&study, "sequences under way, separation", 24.19, true);
    assert_follows(&study, "throughput over TPS, TP=8", 16, true);
    assert_follows(&study, "scaling efficiency on 16 GPUs by the formula that is given for it",
                   27.11, false);
    assert_follows(&study,
                   "scaling efficiency on 16 GPUs, tokens per second and GPU over those on 4",
                   107.2, false);
    assert_follows(&study, "the fewest GPUs of their table on which separation wins", 4, false);
    assert_follows(&study, "power of 16 GPUs", 174.35, true);
    assert_follows(&study, "standard deviation of the use of 16 experts between these ends", 1.092,
                   false);
    assert_follows(&study, "memory of a GPU by the table in MB", 939511.3, false);
    assert_follows(&study, "memory of a GPU that has 80 GiB, separation", 85.9, false);
    assert_follows(&study, "time of attention over time of experts by the linear model", 0.1443,
                   false);
    assert_follows(&study, "less time per token at 4096 tokens", 39.86, true);
}

static void a_claim_is_found_with_its_unit(void **state) {
    Test *test = *state;
    Study study;
    const ClaimGroup *group;
    assert_int_equal(study_read(&test->arena, NULL, "ma-separation", &study, &test->diag),
                     STATUS_OK);
    const ClaimValue *claim = claims_find(&study.claims, "energy.ma", &group);
    assert_non_null(claim);
    assert_true(fabs(claim->value * claims_unit(group->unit) - 0.82e-3) < 1e-12);
    assert_null(claims_find(&study.claims, "energy", NULL));
    assert_true(claims_unit("furlong") == 0);
}

static ReportVerdict judge(bool answered, bool claim, double claimed, double low, double high) {
    static const ClaimValue some = {.id = "x"};
    ReportCell cell = {.claim = claim ? &some : NULL,
                       .answered = answered,
                       .claimed = claimed,
                       .ours = {low, (low + high) / 2, high}};
    report_judge(&cell);
    return cell.verdict;
}

static void claims_are_judged_by_the_interval(void **state) {
    assert_int_equal(judge(true, true, 2, 1, 3), REPORT_WITHIN);
    assert_int_equal(judge(true, true, 1, 1, 3), REPORT_WITHIN);
    assert_int_equal(judge(true, true, 0.99, 1, 3), REPORT_LOWER);
    assert_int_equal(judge(true, true, 3.01, 1, 3), REPORT_HIGHER);
    assert_int_equal(judge(true, true, -1, -2, -1.5), REPORT_HIGHER);
    assert_int_equal(judge(true, false, 2, 1, 3), REPORT_NONE);
    assert_int_equal(judge(false, true, 2, 0, 0), REPORT_INFEASIBLE);
    assert_int_equal(judge(true, true, 2, NAN, NAN), REPORT_NONE);
    /* counted, not estimated: within 1 % */
    assert_int_equal(judge(true, true, 100.9, 100, 100), REPORT_WITHIN);
    assert_int_equal(judge(true, true, 101.1, 100, 100), REPORT_HIGHER);
    assert_int_equal(judge(true, true, 98.9, 100, 100), REPORT_LOWER);
}

/* A share folder with one file in claims/. */
static const char *share(Test *test, const char *claims) {
    mkdir(test_path(test, "claims"), 0700);
    test_file(test, "claims/ma-separation.yaml", claims);
    return test->dir;
}

static void assert_refused(Test *test, const char *claims, Status wanted, const char *message) {
    Study study;
    Status status =
        study_read(&test->arena, share(test, claims), "ma-separation", &study, &test->diag);
    const char *said = test_messages(test);
    assert_int_equal(status, wanted);
    if (!strstr(said, message))
        fail_msg("%s", said);
}

static void claims_that_are_off_are_refused(void **state) {
    Test *test = *state;
    assert_refused(test,
                   "name: a\ntitle: b\ngroups:\n  - {about: c, documents: [d], unit: furlong, "
                   "values: [{id: e, value: 1}]}\n",
                   STATUS_DATA, "E0440]: there is no unit 'furlong'");
    assert_refused(test,
                   "name: a\ntitle: b\ngroups:\n  - {about: c, documents: [d], unit: ms, "
                   "values: [{id: e, value: 1}, {id: e, value: 2}]}\n",
                   STATUS_DATA, "E0440]: several claims are called 'e'");
    assert_refused(test,
                   "name: a\ntitle: b\ngroups:\n  - {about: c, documents: [d], unit: ms, "
                   "values: [{id: e, value: fast}]}\n",
                   STATUS_DATA, "claims/ma-separation.yaml:4:");
    assert_refused(test,
                   "name: a\ntitle: b\ngroups:\n  - {about: c, documents: [d], unit: ms, "
                   "values: [{id: e, value: 1}]}\n",
                   STATUS_DATA, "there is no claim ");
}

/* A study of a share folder that returns `tables`, with the claims that are built in. */
static void assert_study_refused(Test *test, const char *tables, const char *message) {
    Study study;
    mkdir(test_path(test, "lua"), 0700);
    mkdir(test_path(test, "lua/studies"), 0700);
    test_file(
        test, "lua/studies/ma-separation.lua",
        arena_printf(
            &test->arena,
            "return {study = function() return {points = {{id = 'p', model = 'm', topology "
            "= 't', strategy = 's', set = {}}}, checks = {}, untold = {}, tables = {%s}} end}",
            tables));
    Status status = study_read(&test->arena, test->dir, "ma-separation", &study, &test->diag);
    const char *said = test_messages(test);
    assert_int_equal(status, STATUS_SOFTWARE);
    if (!strstr(said, message))
        fail_msg("%s", said);
}

static const char *table_of(Test *test, const char *row) {
    return arena_printf(
        &test->arena,
        "{part = 'a', id = 'b', title = '', about = '', columns = {'c'}, chart = 'none', x = "
        "'', log = false, rows = {{what = '', as = 'value', scales = {}, versus = {}, note = "
        "'', %s}}}",
        row);
}

static void studies_that_name_nothing_are_refused(void **state) {
    Test *test = *state;
    assert_study_refused(test,
                         table_of(test, "metric = 'tpot', claims = {'tpot.xx'}, points = {'p'}"),
                         "E0441]: the study names a claim 'tpot.xx' that there is not");
    assert_study_refused(test, table_of(test, "metric = 'tpot', claims = {}, points = {'q'}"),
                         "E0441]: the study names a point 'q' that there is not");
    assert_study_refused(test, table_of(test, "metric = 'speed', claims = {}, points = {'p'}"),
                         "E0441]: the study names a figure 'speed' that there is not");
    assert_study_refused(test, table_of(test, "metric = 'tpot', claims = {}, points = {}"),
                         "E0441]: a row of table b has not as many items as the table has columns");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_study_names_what_there_is), TEST(contradictions_are_computed),
        TEST(a_claim_is_found_with_its_unit),  TEST(claims_are_judged_by_the_interval),
        TEST(claims_that_are_off_are_refused), TEST(studies_that_name_nothing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
