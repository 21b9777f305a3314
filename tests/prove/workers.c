/* workers: see workers.h. */
#include "workers.h"

#include "base/fs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds of wall time that a case may take, on a machine that does other things too. */
enum { PLAN_SECONDS = 60, RUN_SECONDS = 300, BATCH = 16 };

Shared *workers_share(void) {
    void *memory =
        mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        arena_exhausted(sizeof(Shared));
    return memory;
}

static void keep_failure(Shared *shared, uint64_t number, bool runs, const Verdict *verdict) {
    atomic_fetch_add(&shared->failed, 1);
    int64_t at = atomic_fetch_add(&shared->kept, 1);
    if (at < FAILURES)
        shared->failures[at] = (Failure){number, runs, *verdict};
}

static void count(Shared *shared, const Task *task, const Attempt *result) {
    const Verdict *verdict = &result->verdict;
    if (verdict->outcome == OUTCOME_FAILED) {
        keep_failure(shared, task->number, task->runs, verdict);
        return;
    }
    for (int i = 0; verdict->outcome == OUTCOME_DECLINED && i < PROPERTY_LIMITS; ++i)
        if (strcmp(verdict->kind, property_limits[i]) == 0)
            atomic_fetch_add(&shared->declined[i], 1);
    if (verdict->outcome != OUTCOME_PROVED)
        return;
    atomic_fetch_add(task->runs ? &shared->equal : &shared->proved, 1);
    atomic_fetch_add(&shared->tokens, result->counts.tokens);
    atomic_fetch_add(&shared->compared_tokens, result->counts.compared_tokens);
    atomic_fetch_add(&shared->positions, result->counts.positions);
    atomic_fetch_add(&shared->compared_positions, result->counts.compared_positions);
}

/* A unit: cases that share a twin where they run. */
static void work_unit(const Campaign *campaign, Shared *shared, int job, uint64_t unit,
                      const char *folder) {
    uint64_t size = campaign->runs ? ALIKE : BATCH;
    uint64_t begin = campaign->first + unit * size, end = campaign->first + campaign->count;
    end = begin + size < end ? begin + size : end;
    Twin *twin = campaign->runs ? twin_open(folder) : NULL;
    for (uint64_t number = begin; number < end; ++number) {
        Task task = {campaign->seed, number, campaign->runs, campaign->plant,
                     NULL,           twin,   folder,         0};
        Attempt result;
        atomic_store(&shared->at[job], number + 1);
        alarm(campaign->runs ? RUN_SECONDS : PLAN_SECONDS);
        attempt(&task, &result, NULL, NULL);
        alarm(0);
        count(shared, &task, &result);
        atomic_store(&shared->at[job], 0);
    }
    if (twin)
        twin_close(twin);
}

static uint64_t units(const Campaign *campaign) {
    uint64_t size = campaign->runs ? ALIKE : BATCH;
    return (campaign->count + size - 1) / size;
}

/* `rest`: of the unit in which the worker before crashed. */
_Noreturn static void worker(const Campaign *campaign, Shared *shared, int job) {
    Arena arena = {0};
    setpgid(0, 0);
    const char *folder = arena_printf(&arena, "%s/job%d", campaign->folder, job);
    for (;;) {
        uint64_t unit = atomic_fetch_add(&shared->next, 1);
        if (unit >= units(campaign))
            _exit(0);
        work_unit(campaign, shared, job, unit, folder);
    }
}

static pid_t start(const Campaign *campaign, Shared *shared, int job) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        worker(campaign, shared, job);
    if (child < 0) {
        fprintf(stderr, "prove: no more processes\n");
        exit(70);
    }
    return child;
}

/* The cases behind one that ended its worker, up to the end of its unit. */
static void finish_unit(const Campaign *campaign, Shared *shared, int job, uint64_t number) {
    uint64_t size = campaign->runs ? ALIKE : BATCH;
    uint64_t unit = (number - campaign->first) / size;
    uint64_t end = campaign->first + (unit + 1) * size;
    uint64_t last = campaign->first + campaign->count;
    Campaign rest = *campaign;
    end = end < last ? end : last;
    for (uint64_t next = number + 1; next < end; ++next) {
        Arena arena = {0};
        Attempt result;
        const char *folder = arena_printf(&arena, "%s/job%d", rest.folder, job);
        Task task = {rest.seed, next, rest.runs, rest.plant,
                     NULL,      NULL, folder,    rest.runs ? RUN_SECONDS : PLAN_SECONDS};
        attempt_guarded(&task, &result, &arena, NULL);
        count(shared, &task, &result);
        arena_free(&arena);
    }
}

static void tell(const Campaign *campaign, const Shared *shared, double seconds) {
    int64_t declined = 0;
    for (int i = 0; i < PROPERTY_LIMITS; ++i)
        declined += shared->declined[i];
    fprintf(stderr,
            "prove: %6.0f s: %lld plans proved, %lld declined, %lld runs equal, %lld failed%s\n",
            seconds, (long long)shared->proved, (long long)declined, (long long)shared->equal,
            (long long)shared->failed, campaign->runs ? "; running" : "");
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A worker ended: at its end, or by a case. */
static bool bury(const Campaign *campaign, Shared *shared, int job, pid_t *child, int status) {
    uint64_t at = atomic_exchange(&shared->at[job], 0);
    kill(-*child, SIGKILL); /* what it had started */
    *child = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return false;
    if (at > 0) {
        Verdict verdict = {0};
        attempt_end(status, &verdict);
        keep_failure(shared, at - 1, campaign->runs, &verdict);
        finish_unit(campaign, shared, job, at - 1);
    }
    *child = start(campaign, shared, job);
    return true;
}

void workers_run(const Campaign *campaign, Shared *shared) {
    pid_t children[JOBS] = {0};
    int jobs = campaign->jobs < JOBS ? campaign->jobs : JOBS, alive = jobs;
    double began = now(), told = began;
    atomic_store(&shared->next, 0);
    for (int job = 0; job < jobs; ++job)
        children[job] = start(campaign, shared, job);
    while (alive > 0) {
        int status;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        for (int job = 0; job < jobs && ended > 0; ++job)
            if (children[job] == ended && !bury(campaign, shared, job, &children[job], status))
                --alive;
        if (ended <= 0)
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        if (campaign->progress > 0 && now() - told >= campaign->progress) {
            told = now();
            tell(campaign, shared, told - began);
        }
    }
}
