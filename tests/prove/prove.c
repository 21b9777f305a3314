/* prove: random legal plans are proved, and some of them run. See docs/random-plans.md. */
#include "shrink.h"
#include "workers.h"

#include "build.h"

#include "base/fs.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Options {
    uint64_t seed, plans, runs, number;
    int jobs;
    bool one, run_one;   /* case `number` alone */
    const char *choices; /* a file of choices */
    const char *out;     /* for reports of failures */
    Plant plant;
    double shrink, progress; /* s */
} Options;

static void usage(void) {
    fprintf(
        stderr,
        "usage: prove [--seed N] [--plans N] [--runs N] [--jobs N] [--out DIR] [--shrink SECONDS]\n"
        "             [--progress SECONDS] [--case N | --run-case N | --choices FILE | "
        "--run-choices FILE]\n"
        "             [--plant replica|wait|crash|hang]\n");
    exit(2);
}

static uint64_t number_of(const char *text) {
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        usage();
    return number;
}

static Plant plant_of(const char *text) {
    for (int i = 0; plant_names[i]; ++i)
        if (strcmp(text, plant_names[i]) == 0)
            return (Plant)i;
    usage();
    return PLANT_NONE;
}

static Options read_options(int argc, char **argv) {
    enum {
        SEED,
        PLANS,
        RUNS,
        JOBS_OPTION,
        OUT,
        SHRINK,
        PROGRESS,
        CASE,
        RUN_CASE,
        CHOICES,
        RUN_CHOICES,
        PLANT_OPTION
    };
    static const struct option names[] = {
        {"seed", 1, NULL, SEED},
        {"plans", 1, NULL, PLANS},
        {"runs", 1, NULL, RUNS},
        {"jobs", 1, NULL, JOBS_OPTION},
        {"out", 1, NULL, OUT},
        {"shrink", 1, NULL, SHRINK},
        {"progress", 1, NULL, PROGRESS},
        {"case", 1, NULL, CASE},
        {"run-case", 1, NULL, RUN_CASE},
        {"choices", 1, NULL, CHOICES},
        {"run-choices", 1, NULL, RUN_CHOICES},
        {"plant", 1, NULL, PLANT_OPTION},
        {0},
    };
    Options options = {
        .seed = 1, .plans = 500, .runs = 25, .out = "failed-plans", .shrink = 60, .progress = 10};
    options.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int id; (id = getopt_long(argc, argv, "", names, NULL)) >= 0;) {
        uint64_t *numbers[] = {&options.seed, &options.plans, &options.runs};
        if (id <= RUNS)
            *numbers[id] = number_of(optarg);
        else if (id == JOBS_OPTION)
            options.jobs = (int)number_of(optarg);
        else if (id == OUT)
            options.out = optarg;
        else if (id == SHRINK)
            options.shrink = (double)number_of(optarg);
        else if (id == PROGRESS)
            options.progress = (double)number_of(optarg);
        else if (id == PLANT_OPTION)
            options.plant = plant_of(optarg);
        else if (id == CASE || id == RUN_CASE)
            options.number = number_of(optarg);
        else if (id == CHOICES || id == RUN_CHOICES)
            options.choices = optarg;
        else
            usage();
        options.one = options.one || id == CASE || id == RUN_CASE;
        options.run_one = options.run_one || id == RUN_CASE || id == RUN_CHOICES;
    }
    if (optind < argc || options.jobs < 1 || (options.one && options.choices))
        usage();
    return options;
}

/* --- failures --------------------------------------------------------------------------------- */

/* Shrink one failure, and write what is left of it. */
static void report(const Options *options, const Failure *failure, const char *folder) {
    Arena arena = {0};
    Task task = {options->seed, failure->number, failure->runs,           options->plant, NULL,
                 NULL,          folder,          failure->runs ? 300 : 20};
    Choices choices = attempt_choices(&arena, &task);
    RandomCase made = {.arena = &arena,
                       .choices = &choices,
                       .diag = &(Diag){.arena = &arena},
                       .small = failure->runs};
    Verdict verdict = failure->verdict;
    random_case_draw(&made); /* for its choices: a crash came later */
    ChoiceList found = choices.list;
    int64_t before = found.count, tried = shrink(&task, &arena, &found, &verdict, options->shrink);
    const char *place =
        arena_printf(&arena, "%s/%s-%llu", options->out, failure->runs ? "run" : "plan",
                     (unsigned long long)failure->number);
    task.choices = &found;
    mkdir(options->out, 0755);
    attempt_report(&task, &verdict, place);
    fprintf(stderr,
            "prove: %s case %llu of seed %llu FAILED: %s\n    %s\n"
            "    shrunk from %lld choices to %lld by %lld tries: %s\n",
            failure->runs ? "run" : "plan", (unsigned long long)failure->number,
            (unsigned long long)options->seed, verdict.kind, verdict.message, (long long)before,
            (long long)found.count, (long long)tried, place);
    arena_free(&arena);
}

/* The first of each kind is shrunk, the rest told. */
static void report_all(const Options *options, const Shared *shared, const char *folder) {
    int64_t kept = shared->kept < FAILURES ? shared->kept : FAILURES;
    for (int64_t i = 0; i < kept; ++i) {
        const Failure *failure = &shared->failures[i];
        bool known = false;
        for (int64_t k = 0; k < i; ++k)
            known = known || (shared->failures[k].runs == failure->runs &&
                              strcmp(shared->failures[k].verdict.kind, failure->verdict.kind) == 0);
        if (known)
            fprintf(stderr, "prove: %s case %llu of seed %llu FAILED: %s\n    %s\n",
                    failure->runs ? "run" : "plan", (unsigned long long)failure->number,
                    (unsigned long long)options->seed, failure->verdict.kind,
                    failure->verdict.message);
        else
            report(options, failure, folder);
    }
    if (shared->failed > kept)
        fprintf(stderr, "prove: and %lld further failures\n", (long long)(shared->failed - kept));
}

/* --- one case --------------------------------------------------------------------------------- */

static ChoiceList read_choices(Arena *arena, const char *path) {
    ChoiceList list = {0};
    long long value;
    FILE *file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "prove: %s cannot be read\n", path);
        exit(66);
    }
    while (fscanf(file, "%lld", &value) == 1)
        *(int64_t *)LIST_PUSH(arena, &list) = value < 0 ? 0 : value;
    fclose(file);
    return list;
}

static int look_at_one(const Options *options, const char *folder) {
    static const char *const outcomes[] = {"proved", "declined", "FAILED"};
    Arena arena = {0};
    Attempt result;
    ChoiceList list = {0};
    if (options->choices)
        list = read_choices(&arena, options->choices);
    Task task = {options->seed,
                 options->number,
                 options->run_one,
                 options->plant,
                 options->choices ? &list : NULL,
                 NULL,
                 folder,
                 300};
    attempt_guarded(&task, &result, &arena, NULL);
    const Verdict *verdict = &result.verdict;
    mkdir(options->out, 0755);
    const char *place = arena_printf(&arena, "%s/case", options->out);
    attempt_report(&task, verdict, place);
    printf("%s%s%s%s%s; its files: %s\n", outcomes[verdict->outcome],
           options->run_one && verdict->outcome == OUTCOME_PROVED ? " and equal" : "",
           *verdict->kind ? ": " : "", verdict->kind, verdict->message, place);
    arena_free(&arena);
    return verdict->outcome == OUTCOME_FAILED;
}

/* --- all -------------------------------------------------------------------------------------- */

static void print_totals(const Shared *shared, double seconds) {
    printf("%lld plans proved", (long long)shared->proved);
    for (int i = 0; i < PROPERTY_LIMITS; ++i)
        if (shared->declined[i] > 0)
            printf(", %lld declined by %s", (long long)shared->declined[i], property_limits[i]);
    printf(", %lld runs equal", (long long)shared->equal);
    if (shared->tokens > shared->compared_tokens)
        printf(" (%lld of %lld tokens left out as ties)",
               (long long)(shared->tokens - shared->compared_tokens), (long long)shared->tokens);
    printf(", %lld failed, %.0f seconds\n", (long long)shared->failed, seconds);
}

int main(int argc, char **argv) {
    Options options = read_options(argc, argv);
    struct timespec began, ended;
    char folder[] = "/tmp/prove-XXXXXX";
    Arena arena = {0};
    clock_gettime(CLOCK_MONOTONIC, &began);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    if (!mkdtemp(folder)) {
        fprintf(stderr, "prove: there is no room in /tmp\n");
        return 73;
    }
    int status;
    if (options.one || options.choices) {
        status = look_at_one(&options, arena_printf(&arena, "%s/one", folder));
    } else {
        Shared *shared = workers_share();
        Campaign campaign = {options.seed, 0,      options.plans,   false, options.plant,
                             options.jobs, folder, options.progress};
        workers_run(&campaign, shared);
        campaign.runs = true;
        campaign.count = options.runs;
        workers_run(&campaign, shared);
        report_all(&options, shared, arena_printf(&arena, "%s/one", folder));
        clock_gettime(CLOCK_MONOTONIC, &ended);
        print_totals(shared, (double)(ended.tv_sec - began.tv_sec) +
                                 1e-9 * (double)(ended.tv_nsec - began.tv_nsec));
        status = shared->failed > 0;
    }
    build_remove(folder);
    arena_free(&arena);
    return status;
}
