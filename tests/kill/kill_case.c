/* kill_case: one run and one signal: when it is sent, and what must be true once all have ended. */
#include "kill.h"

#include "core/array_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* From the death of a process, and beyond the limit for one that is stopped. */
#define DEATH_LIMIT_S 1.0
#define STOP_LIMIT_S 0.25
/* Of a run that nobody has struck yet, or that was done before. */
#define RUN_LIMIT_S 120.0

enum { STATUS_ABORTED = 1, STATUS_CRASHED = 70, STATUS_LOST = 75 };

__attribute__((format(printf, 2, 3))) static void note(KillResult *result, const char *format,
                                                       ...) {
    size_t used = strlen(result->text);
    va_list args;
    va_start(args, format);
    vsnprintf(result->text + used, sizeof result->text - used, format, args);
    va_end(args);
}

static size_t read_text(const char *folder, const char *name, char *text, size_t size) {
    char path[KILL_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(text, 1, size - 1, file) : 0;
    text[length] = 0;
    if (file)
        fclose(file);
    return length;
}

/* --- when ----------------------------------------------------------------------------------------------- */

/* Wait for the moment; false when the run has ended before. */
static bool moment(KillRun *run, const KillCase *one, pid_t *target) {
    double begin = kill_now();
    *target = 0;
    if (one->early) {
        kill_sleep(one->delay);
        *target = kill_find(run, one->target);
        return !kill_ended(run);
    }
    for (double pause = 0.5e-3; !kill_attached(run) || !(*target = kill_find(run, one->target));
         kill_sleep(pause))
        if (kill_ended(run) || kill_now() - begin > RUN_LIMIT_S)
            return false;
    while (kill_phase(run) < one->phase) {
        if (kill_ended(run) || kill_now() - begin > RUN_LIMIT_S)
            return false;
        kill_sleep(0.3e-3);
    }
    for (double end = kill_now() + one->delay; kill_now() < end;) {
        if (kill_ended(run))
            return false;
        double rest = end - kill_now();
        kill_sleep(rest < 5e-3 ? rest : 5e-3);
    }
    return true;
}

/* --- what must be true ---------------------------------------------------------------------------------- */

static bool exited(int status, int code) {
    return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

/* The phase that a message names: behind the last " in ". */
static void phase_told(const char *text, KillResult *result) {
    const char *place = NULL;
    for (const char *at = text; (at = strstr(at, " in ")); ++at)
        place = at + 4;
    for (int p = 0; place && p < PHASES; ++p)
        if (strncmp(place, kill_phase_names[p], strlen(kill_phase_names[p])) == 0) {
            result->phase = (KillPhase)p;
            return;
        }
    result->wrong = true;
    note(result, "no phase is told; ");
}

static void expect_text(const char *text, const char *part, KillResult *result) {
    if (strstr(text, part))
        return;
    result->wrong = true;
    note(result, "'%s' is not told; ", part);
}

static void judge_message(const KillPlan *plan, const KillCase *one, const char *text,
                          KillResult *result) {
    char part[96];
    const char *newline = strchr(text, '\n');
    if (one->target < 0 && one->signal != SIGSTOP) {
        if (*text) {
            result->wrong = true;
            note(result, "survivors speak; ");
        }
        return;
    }
    if (!newline || newline[1]) {
        result->wrong = true;
        note(result, "not one line; ");
    }
    if (one->target < 0) {
        snprintf(part, sizeof part, "the launcher made no progress for %lld ms (stopped",
                 (long long)plan->timeout_ms);
        expect_text(text, part, result);
        return;
    }
    snprintf(part, sizeof part, "rank %d (", one->target);
    expect_text(text, part, result);
    if (one->signal == SIGSTOP)
        snprintf(part, sizeof part, "made no progress for %lld ms (stopped by ",
                 (long long)plan->timeout_ms);
    else if (one->seats)
        snprintf(part, sizeof part, "ended before its work was done");
    else
        snprintf(part, sizeof part, "was killed by signal %d (", one->signal);
    expect_text(text, part, result);
    phase_told(text, result);
}

static void judge_status(const KillRun *run, const KillCase *one, KillResult *result) {
    bool crashed = one->signal == SIGSEGV && !one->seats; /* of a seat nobody sees how it ended */
    int want = crashed ? STATUS_CRASHED : STATUS_LOST, told = 0;
    int death = one->signal == SIGSTOP ? SIGKILL : one->signal;
    bool good = true;
    for (int i = 0; i < run->processes; ++i) {
        int status = run->status[i];
        bool struck = one->target < 0 || (one->seats && one->target == i);
        told += exited(status, want);
        good = good &&
               (struck ? WIFSIGNALED(status) && WTERMSIG(status) == death
                       : exited(status, want) || (one->seats && exited(status, STATUS_ABORTED)));
    }
    if (good && (one->target < 0 || told == 1))
        return;
    result->wrong = true;
    for (int i = 0; i < run->processes; ++i)
        note(result, "status %d is 0x%x; ", i, (unsigned)run->status[i]);
}

/* A run that ended before the signal, or that nobody needed the struck process for any more. */
static bool completed(const KillRun *run, const KillCase *one) {
    for (int i = 0; i < run->processes; ++i)
        if (!exited(run->status[i], 0) && !(one->seats && i == one->target))
            return false;
    return true;
}

/* Whole files only, and none that does not belong there. */
static void judge_file(const KillPlan *plan, const char *folder, const char *name,
                       KillResult *result) {
    char path[KILL_PATH + 300], tail[8] = "";
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &info) != 0 || strcmp(name, "stdout") == 0 || strcmp(name, "stderr") == 0 ||
        strcmp(name, "out") == 0)
        return;
    bool good = false;
    if (strcmp(name, "results.rta") == 0) {
        rt_arrays arrays;
        rt_error error = {0};
        good = rt_arrays_read(&arrays, path, plan->digest, &error) == RT_OK;
        rt_arrays_free(&arrays);
    }
    if (strcmp(name, "trace.json") == 0) {
        int fd = open(path, O_RDONLY);
        good = fd >= 0 && pread(fd, tail, 4, info.st_size - 4) == 4 && strcmp(tail, "\n]}\n") == 0;
        close(fd);
    }
    if (!good) {
        result->leftover = true;
        note(result, "%s of %lld bytes is left; ", name, (long long)info.st_size);
    }
    unlink(path);
}

static void judge_folder(const KillPlan *plan, const char *folder, KillResult *result) {
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            judge_file(plan, folder, entry->d_name, result);
    if (list)
        closedir(list);
}

static void judge_leftovers(const KillRun *run, KillResult *result) {
    char path[KILL_PATH + 32];
    snprintf(path, sizeof path, "%s/out", run->folder);
    judge_folder(run->plan, path, result);
    rmdir(path);
    judge_folder(run->plan, run->folder, result);
    if (*run->segment_name && shm_unlink(run->segment_name) == 0) {
        result->leftover = true;
        note(result, "shared memory %s is left; ", run->segment_name);
    }
}

/* --- one case ------------------------------------------------------------------------------------------- */

static void folder_remove(const KillRun *run) {
    static const char *const names[] = {"stdout", "stderr"};
    char path[KILL_PATH + 32];
    for (int i = 0; i < 2; ++i) {
        snprintf(path, sizeof path, "%s/%s", run->folder, names[i]);
        unlink(path);
    }
    rmdir(run->folder);
}

void kill_end(KillRun *run, KillResult *result) {
    kill_close(run);
    judge_leftovers(run, result);
    folder_remove(run);
}

static void strike(KillRun *run, const KillCase *one, pid_t target, KillResult *result) {
    const double limit = one->signal == SIGSTOP
                             ? (double)run->plan->timeout_ms * 1e-3 + STOP_LIMIT_S
                             : DEATH_LIMIT_S;
    char text[2048];
    double begin = kill_now();
    kill(target, one->signal);
    bool ended = kill_reap(run, limit + 5);
    result->seconds = kill_now() - begin;
    if (!ended && one->seats && one->signal == SIGSTOP) {
        kill(target, SIGKILL); /* stopped when its peers had ended: for its launcher to end */
        ended = kill_reap(run, 1);
    }
    result->completed = ended && completed(run, one);
    if (result->completed)
        return;
    read_text(run->folder, "stderr", text, sizeof text);
    judge_message(run->plan, one, text, result);
    judge_status(run, one, result);
    if (!ended) {
        result->leftover = true;
        note(result, "processes are left; ");
    }
    result->late = result->seconds > limit;
    if (result->late)
        note(result, "%.3f s; ", result->seconds);
    if (result->wrong)
        note(result, "told: %s", text);
}

void kill_case(const KillPlan *plan, const KillCase *one, KillResult *result) {
    KillRun run;
    pid_t target;
    *result = (KillResult){.ran = true, .phase = one->phase};
    if (!kill_start(&run, plan, one)) {
        result->wrong = true;
        note(result, "cannot start");
    } else if (moment(&run, one, &target) && target > 0) {
        strike(&run, one, target, result);
    } else {
        result->completed = kill_reap(&run, RUN_LIMIT_S) && completed(&run, one);
        result->wrong = !result->completed;
        if (result->wrong)
            note(result, "failed before the signal");
    }
    kill_end(&run, result);
}

/* --- an undisturbed run ----------------------------------------------------------------------------------- */

bool kill_calibrate(KillPlan *plan) {
    KillRun run;
    KillCase one = {.index = -1, .target = -1};
    char path[KILL_PATH + 32];
    struct stat info;
    double begin[PHASES + 1] = {0};
    if (!kill_start(&run, plan, &one))
        return false;
    while (!kill_attached(&run) && !kill_ended(&run))
        kill_sleep(0.5e-3);
    begin[0] = kill_now();
    for (int p = 1; p < PHASES; ++p) {
        while ((int)kill_phase(&run) < p && !kill_ended(&run))
            kill_sleep(0.3e-3);
        begin[p] = kill_now();
    }
    kill_reap(&run, RUN_LIMIT_S);
    begin[PHASES] = kill_now();
    for (int p = 0; p < PHASES; ++p)
        plan->phase_length[p] = begin[p + 1] - begin[p];
    snprintf(path, sizeof path, "%s/out/results.rta", run.folder);
    bool good = completed(&run, &one) && stat(path, &info) == 0;
    if (!good)
        fprintf(stderr, "%s: a run that nobody disturbs fails, see %s\n", plan->program,
                run.folder);
    KillResult result = {0};
    if (good)
        kill_end(&run, &result);
    else
        kill_close(&run);
    return good && !result.leftover;
}
