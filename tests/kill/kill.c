/* kill: strike ranks and launchers of an emitted program at random moments, and see that all ends as documented.
 * usage: kill [--kills N] [--seed S] [--only I] [--jobs J] [--stop-jobs J] [--timeout-ms T] [--steps N]
 *             [--slow] [--idle] PROGRAM FOLDER
 * Cases follow from seed and number alone. Signals that end a process run `jobs` at a time, since their time
 * counts; stopped runs sleep and go `stop-jobs` at a time. Exit status 0: all is as it must be. */
#include "kill.h"

#include "rt_format.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Options {
    long kills, seed, only, jobs, stop_jobs, timeout_ms, steps;
    bool slow, idle;
    const char *program, *folder;
} Options;

/* Shared with the workers. */
typedef struct Board {
    _Atomic int next;
    KillResult result[];
} Board;

static const int signals[] = {SIGKILL, SIGSEGV, SIGSTOP};
static const char *const signal_names[] = {"SIGKILL", "SIGSEGV", "SIGSTOP"};

static KillCase draw(const KillPlan *plan, int index) {
    uint64_t key = rt_random_key("kill", plan->seed), at = (uint64_t)index * 8;
    KillCase one = {.index = index, .signal = signals[index % 3]};
    bool stop = one.signal == SIGSTOP;
    one.seats = rt_random_bits(key, at) % 5 == 0;
    one.target = (int)(rt_random_bits(key, at + 1) % (uint64_t)plan->world);
    if (!one.seats && rt_random_bits(key, at + 2) % 4 == 0)
        one.target = -1;
    one.phase = (KillPhase)(rt_random_bits(key, at + 3) % PHASES);
    if (one.seats && stop && one.phase == SHUTDOWN)
        one.phase = DECODE; /* nobody of the run is left to see it */
    one.early =
        one.target < 0 && !stop && one.phase == LOADING && rt_random_bits(key, at + 4) % 3 == 0;
    one.trace = one.phase == SHUTDOWN && rt_random_bits(key, at + 5) % 2 == 0;
    one.delay = plan->phase_length[one.phase] * (double)rt_random_uniform(key, at + 6);
    return one;
}

/* --- running -------------------------------------------------------------------------------------------- */

/* Run the cases of one kind, stops or others, until none is left. */
static void work(const KillPlan *plan, Board *board, const Options *options, bool stops) {
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what a dead launcher leaves is ours to reap */
    for (int i; (i = atomic_fetch_add(&board->next, 1)) < options->kills;) {
        KillCase one = draw(plan, i);
        if ((one.signal == SIGSTOP) != stops || (options->only >= 0 && options->only != i))
            continue;
        kill_case(plan, &one, &board->result[i]);
        const KillResult *result = &board->result[i];
        if (result->late || result->wrong || result->leftover)
            fprintf(stderr, "case %d: %s of %s%d%s, %s + %.1f ms: %s\n", i, signal_names[i % 3],
                    one.target < 0 ? "launcher " : "rank ", one.target,
                    one.seats ? " of seats" : "", kill_phase_names[one.phase], one.delay * 1e3,
                    result->text);
    }
    exit(0);
}

static bool run_all(const KillPlan *plan, Board *board, const Options *options, bool stops) {
    long jobs = stops ? options->stop_jobs : options->jobs;
    bool good = true;
    int status;
    atomic_store(&board->next, 0);
    for (long j = 0; j < jobs; ++j) {
        pid_t pid = fork();
        if (pid == 0)
            work(plan, board, options, stops);
        good = good && pid > 0;
    }
    while (wait(&status) > 0)
        good = good && status == 0;
    return good;
}

/* --- the table ------------------------------------------------------------------------------------------ */

typedef struct Line {
    int count, completed, late, wrong, leftover, ended;
    double *seconds;
} Line;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void line_add(Line *line, const KillResult *result) {
    line->count++;
    line->completed += result->completed;
    line->late += result->late;
    line->wrong += result->wrong;
    line->leftover += result->leftover;
    if (!result->completed)
        line->seconds[line->ended++] = result->seconds;
}

static void line_print(Line *line, const char *target, const char *signal, const char *phase) {
    if (!line->count)
        return;
    qsort(line->seconds, (size_t)line->ended, sizeof *line->seconds, by_value);
    int n = line->ended;
    double median = n ? line->seconds[n / 2] : 0, most = n ? line->seconds[n - 1] : 0;
    double p99 = n ? line->seconds[(n * 99 + 99) / 100 - 1] : 0;
    printf("%-9s %-8s %-9s %6d %6d %7.3f %7.3f %7.3f %5d %6d %6d\n", signal, target, phase,
           line->count, line->completed, median, p99, most, line->late, line->wrong,
           line->leftover);
}

static const char *target_name(const KillCase *one) {
    return one->target < 0 ? "launcher" : one->seats ? "seat" : "rank";
}

/* Returns how many cases are not as they must be. */
static int table(const KillPlan *plan, const Board *board, const Options *options) {
    static const char *const targets[] = {"rank", "launcher", "seat"};
    double *seconds = calloc((size_t)options->kills, sizeof *seconds);
    int bad = 0;
    Line all = {.seconds = calloc((size_t)options->kills, sizeof *seconds)};
    if (!seconds || !all.seconds)
        exit(1);
    printf("%-9s %-8s %-9s %6s %6s %7s %7s %7s %5s %6s %6s\n", "signal", "target", "phase", "cases",
           "done", "p50 s", "p99 s", "max s", "late", "wrong", "left");
    for (int s = 0; s < 3; ++s)
        for (int t = 0; t < 3; ++t)
            for (int p = 0; p < PHASES; ++p) {
                Line line = {.seconds = seconds};
                for (int i = s; i < options->kills; i += 3) {
                    KillCase one = draw(plan, i);
                    const KillResult *result = &board->result[i];
                    if (!result->ran || strcmp(target_name(&one), targets[t]) != 0 ||
                        (int)result->phase != p)
                        continue;
                    line_add(&line, result);
                    line_add(&all, result);
                    bad += result->late || result->wrong || result->leftover;
                }
                line_print(&line, targets[t], signal_names[s], kill_phase_names[p]);
            }
    line_print(&all, "", "all", "");
    free(seconds);
    free(all.seconds);
    return bad;
}

/* --- command line --------------------------------------------------------------------------------------- */

static bool number_option(int argc, char **argv, int *i, const char *name, long *value) {
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc)
        return false;
    *value = strtol(argv[++*i], NULL, 10);
    return true;
}

static bool options_read(Options *options, int argc, char **argv) {
    *options = (Options){.kills = 0,
                         .seed = 1,
                         .only = -1,
                         .jobs = 1,
                         .stop_jobs = 8,
                         .timeout_ms = 5000,
                         .steps = 40};
    for (int i = 1; i < argc; ++i) {
        if (number_option(argc, argv, &i, "--kills", &options->kills) ||
            number_option(argc, argv, &i, "--seed", &options->seed) ||
            number_option(argc, argv, &i, "--only", &options->only) ||
            number_option(argc, argv, &i, "--jobs", &options->jobs) ||
            number_option(argc, argv, &i, "--stop-jobs", &options->stop_jobs) ||
            number_option(argc, argv, &i, "--timeout-ms", &options->timeout_ms) ||
            number_option(argc, argv, &i, "--steps", &options->steps))
            continue;
        if (strcmp(argv[i], "--slow") == 0)
            options->slow = true;
        else if (strcmp(argv[i], "--idle") == 0)
            options->idle = true;
        else if (!options->program)
            options->program = argv[i];
        else if (!options->folder)
            options->folder = argv[i];
        else
            return false;
    }
    return options->folder != NULL;
}

/* World and digest, as the program tells them. */
static bool plan_read(KillPlan *plan) {
    char command[KILL_PATH], text[4096];
    snprintf(command, sizeof command, "'%s' info --json", plan->program);
    FILE *pipe = popen(command, "r");
    size_t length = pipe ? fread(text, 1, sizeof text - 1, pipe) : 0;
    text[length] = 0;
    if (pipe)
        pclose(pipe);
    const char *digest = strstr(text, "\"digest\":\""), *world = strstr(text, "\"world\":");
    return digest && world && sscanf(digest, "\"digest\":\"%16[0-9a-f]", plan->digest) == 1 &&
           sscanf(world, "\"world\":%d", &plan->world) == 1 && plan->world <= KILL_WORLD;
}

int main(int argc, char **argv) {
    Options options;
    if (!options_read(&options, argc, argv)) {
        fprintf(stderr,
                "usage: kill [OPTIONS] PROGRAM FOLDER; see the head of tests/kill/kill.c\n");
        return 2;
    }
    KillPlan plan = {.program = realpath(options.program, NULL),
                     .steps = (int)options.steps,
                     .timeout_ms = options.timeout_ms,
                     .seed = (uint64_t)options.seed};
    snprintf(plan.folder, sizeof plan.folder, "%s/kill-XXXXXX", options.folder);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!plan.program || !plan_read(&plan) || !mkdtemp(plan.folder) || !kill_calibrate(&plan)) {
        fprintf(stderr, "%s: cannot be struck: it does not run\n", options.program);
        return 1;
    }
    bool good = true;
    good = (!options.slow || kill_slow(&plan)) && good;
    good = (!options.idle || kill_idle(&plan)) && good;
    size_t size = sizeof(Board) + (size_t)options.kills * sizeof(KillResult);
    Board *board = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED)
        return 1;
    double begin = kill_now();
    if (options.kills > 0) {
        printf("%d ranks; loading %.3f s, prefill %.3f s, decode %.3f s, shutdown %.3f s; limit "
               "%ld ms, seed %ld\n",
               plan.world, plan.phase_length[0], plan.phase_length[1], plan.phase_length[2],
               plan.phase_length[3], options.timeout_ms, options.seed);
        fflush(stdout);
        good = run_all(&plan, board, &options, false) && good;
        good = run_all(&plan, board, &options, true) && good;
        int bad = table(&plan, board, &options);
        printf("%d of %ld cases are not as they must be; %.0f s\n", bad, options.kills,
               kill_now() - begin);
        good = good && !bad;
    }
    if (rmdir(plan.folder) != 0) {
        good = options.only >= 0 && good;
        fprintf(stderr, "%s: files are left\n", plan.folder);
    }
    return good ? 0 : 1;
}
