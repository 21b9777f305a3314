/* Hostile planners: every file of tests/lua/hostile/ is run as a strategy under tight limits. Its first line says the
 * code, and a part of the text, of the one message that must come of it. None may run a second past its limit, use
 * 64 MiB above it, or say where anything lies in memory. */
#include "plan_fixture.h"

#include "run/price.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { SANITIZED = 1 }; /* takes memory of its own, and time */
#else
enum { SANITIZED = 0 };
#endif

#define FOLDER TEST_SOURCE "/tests/lua/hostile"

enum { PLANNERS_MIN = 40, MEMORY = 64 << 20, ABOVE_KIB = 64 << 10, NAMES_MAX = 512 };
/* Of processor time; those that never end get little. None of them waits. */
static const double seconds_endless = 0.5, seconds_other = 60, seconds_above = 1.0;

static int wrongs;

/* One planner that does what it must not hides no other. */
static void __attribute__((format(printf, 1, 2))) wrong(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    wrongs++;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Processor time of all planners so far. */
static double worked(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(Arena *arena, const char **names) {
    int count = 0;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strstr(entry->d_name, ".lua")) {
            assert_true(count < NAMES_MAX);
            names[count++] = arena_strdup(arena, entry->d_name);
        }
    closedir(folder);
    qsort(names, (size_t)count, sizeof *names, by_text);
    return count;
}

/* "-- CODE part of the text" in the first line. */
static void expected(Fixture *fixture, const char *path, const char **code, const char **part) {
    char *text;
    size_t length;
    assert_int_equal(fs_read(&fixture->arena, path, 1 << 20, &text, &length, &fixture->diag),
                     STATUS_OK);
    assert_true(strncmp(text, "-- E", 4) == 0 && strlen(text) > 9);
    *code = arena_strndup(&fixture->arena, text + 3, 5);
    *part = arena_strndup(&fixture->arena, text + 9, strcspn(text + 9, "\n"));
}

static long most_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
}

/* One file. Only the first message is looked at; all are shown, so that rendering stands them. */
static void run(Fixture *fixture, const char *name, long own_kib) {
    const char *path = arena_printf(&fixture->arena, FOLDER "/%s", name), *code, *part;
    expected(fixture, path, &code, &part);
    double seconds = strcmp(code, "E0461") == 0 ? seconds_endless : seconds_other;
    PlannerRequest request = {
        .strategy = path, .seconds = seconds, .memory = MEMORY, .price = price_plan};
    double began = now(), before = worked();
    Status status = planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
    double took = now() - began, work = worked() - before;
    const DiagMessage *message = &fixture->diag.messages[0];
    /* A sanitizer needs an address space without a limit: there it is another bound that is met first. */
    bool other_bound = SANITIZED && strcmp(code, "E0462") == 0;
    if (status == STATUS_OK || fixture->diag.count == 0 ||
        (!other_bound && (strcmp(message->code, code) != 0 || !strstr(message->text, part))))
        wrong("%s: expected %s '%s', got status %d, %s '%.300s'", name, code, part, (int)status,
              fixture->diag.count ? message->code : "nothing",
              fixture->diag.count ? message->text : "");
    if (strstr(message->text, "0x") || (message->help && strstr(message->help, "0x")))
        wrong("%s: an address leaks: %s", name, message->text);
    if (!SANITIZED && (work > seconds + seconds_above || took > 50 * seconds + seconds_above))
        wrong("%s: worked %.2f s and took %.2f s, of %.2f", name, work, took, seconds);
    long above = most_kib() - own_kib - (MEMORY >> 10);
    if (!SANITIZED && above > ABOVE_KIB)
        wrong("%s: used %ld KiB above its limit", name, above);
    diag_render(&fixture->diag, stdout);
    fixture->diag = (Diag){.arena = &fixture->arena};
}

static void test_all(void **state) {
    Fixture *fixture = *state;
    const char *names[NAMES_MAX];
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    int count = list(&fixture->arena, names);
    assert_true(count >= PLANNERS_MIN);
    for (int i = 0; i < count; i++)
        run(fixture, names[i], own.ru_maxrss);
    assert_int_equal(wrongs, 0);
}

/* What they say is the same in every run: nothing of addresses, order of hashes, or times. */
static void test_twice(void **state) {
    Fixture *fixture = *state;
    const char *names[NAMES_MAX], *first = NULL;
    int count = list(&fixture->arena, names);
    for (int i = 0; i < count; i++) {
        if (strncmp(names[i], "address", 7) != 0 && strncmp(names[i], "order", 5) != 0)
            continue;
        for (int turn = 0; turn < 2; turn++) {
            PlannerRequest request = {.strategy =
                                          arena_printf(&fixture->arena, FOLDER "/%s", names[i])};
            planner_run(&fixture->arena, &request, &fixture->plan, &fixture->diag);
            assert_int_equal(fixture->diag.count, 1);
            if (turn)
                assert_string_equal(fixture->diag.messages[0].text, first);
            first = fixture->diag.messages[0].text;
            fixture->diag.count = fixture->diag.errors = 0;
        }
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_all),
        TEST(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
