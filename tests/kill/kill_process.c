/* kill_process: starts runs, finds their processes, sees in which phase they are, and reaps them. The caller is
 * the reaper of all that a run leaves behind, so "all have ended" is "no child is left". */
#include "kill.h"

#include "core/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

const char *const kill_phase_names[PHASES] = {"loading", "prefill", "decode", "shutdown"};

double kill_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void kill_sleep(double seconds) {
    struct timespec time = {.tv_sec = (time_t)seconds};
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    if (seconds > 0)
        nanosleep(&time, NULL);
}

/* --- starting ------------------------------------------------------------------------------------------- */

static void set_number(const char *name, int value) {
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    setenv(name, text, 1);
}

static void child(const KillRun *run, const KillCase *one, int rank) {
    char steps[16], timeout[24], key[32];
    snprintf(steps, sizeof steps, "%d", one->trace ? 4 : run->plan->steps); /* traces take time */
    snprintf(timeout, sizeof timeout, "%lld", (long long)run->plan->timeout_ms);
    snprintf(key, sizeof key, "kill-%d-%d", (int)getppid(), one->index);
    int out = -1, error = -1;
    if (chdir(run->folder) == 0) {
        out = open("stdout", O_WRONLY | O_CREAT | O_APPEND, 0600);
        error = open("stderr", O_WRONLY | O_CREAT | O_APPEND, 0600);
    }
    if (out < 0 || error < 0 || dup2(out, 1) < 0 || dup2(error, 2) < 0)
        _exit(126);
    setenv("TMPDIR", run->folder, 1);
    if (one->seats) {
        set_number("RANK", rank);
        set_number("WORLD_SIZE", run->plan->world);
        setenv("MASTER_PORT", key, 1);
    }
    close(out);
    close(error);
    execl(run->plan->program, run->plan->program, "bench", "-q", "--repeat", "1", "--steps", steps,
          "--timeout-ms", timeout, "--out", "out", one->trace ? "--trace" : (char *)NULL,
          "trace.json", (char *)NULL);
    _exit(127);
}

bool kill_start(KillRun *run, const KillPlan *plan, const KillCase *one) {
    *run = (KillRun){.plan = plan, .processes = one->seats ? plan->world : 1, .segment = -1};
    snprintf(run->folder, sizeof run->folder, "%s/case-%d", plan->folder, one->index);
    if (mkdir(run->folder, 0700) != 0)
        return false;
    if (one->seats) {
        char key[64];
        snprintf(key, sizeof key, "torchrun-kill-%d-%d-", (int)getpid(), one->index);
        snprintf(run->segment_name, sizeof run->segment_name, "/ranks-%u-%016llx",
                 (unsigned)getuid(), (unsigned long long)rt_random_key(key, 0));
    }
    for (int i = 0; i < run->processes; ++i)
        run->status[i] = -1;
    for (int i = 0; i < run->processes; ++i) {
        run->pids[i] = fork();
        if (run->pids[i] == 0)
            child(run, one, i);
        if (run->pids[i] < 0)
            return false;
    }
    return true;
}

/* --- looking -------------------------------------------------------------------------------------------- */

static int segment_open(const KillRun *run) {
    if (*run->segment_name)
        return shm_open(run->segment_name, O_RDONLY | O_CLOEXEC, 0);
    char folder[64], path[PATH_MAX], link[64];
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)run->pids[0]);
    DIR *list = opendir(folder);
    int fd = -1;
    for (struct dirent *entry; fd < 0 && list && (entry = readdir(list));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        ssize_t length = readlink(path, link, sizeof link - 1);
        link[length > 0 ? length : 0] = 0;
        if (strncmp(link, "/memfd:ranks", 12) == 0)
            fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (list)
        closedir(list);
    return fd;
}

/* The first rank's area is the page behind the header. */
bool kill_attached(KillRun *run) {
    struct stat info;
    if (run->segment < 0)
        run->segment = segment_open(run);
    if (run->segment < 0)
        return false;
    if (!run->area && fstat(run->segment, &info) == 0 && info.st_size > 2 * PAGE) {
        void *area = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, run->segment, PAGE);
        run->area = area == MAP_FAILED ? NULL : area;
    }
    if (run->area && *run->segment_name && fstat(run->segment, &info) == 0 && info.st_nlink > 0)
        return false; /* some rank has not come yet */
    return run->area != NULL;
}

KillPhase kill_phase(const KillRun *run) {
    const rt_area *area = run->area;
    int32_t step = area ? atomic_load_explicit(&area->step, memory_order_relaxed) : 0;
    return step < PHASES ? (KillPhase)step : SHUTDOWN;
}

static int parent_of(int pid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    const char *end = strrchr(text, ')');
    int parent = 0;
    return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_rank(int pid, int rank) {
    char path[64], text[4096], want[32];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text, file) : 0;
    if (file)
        fclose(file);
    int size = snprintf(want, sizeof want, "--rank=%d", rank) + 1;
    return memmem(text, length, want, (size_t)size) != NULL;
}

pid_t kill_find(const KillRun *run, int rank) {
    if (rank < 0 || *run->segment_name)
        return run->pids[rank < 0 ? 0 : rank];
    DIR *list = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; !found && list && (entry = readdir(list));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid) == (int)run->pids[0] && is_rank(pid, rank))
            found = (pid_t)pid;
    }
    if (list)
        closedir(list);
    return found;
}

/* --- ending --------------------------------------------------------------------------------------------- */

/* Reap one; 0: none has ended, -1: none is left. */
static pid_t reap(KillRun *run) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    for (int i = 0; pid > 0 && i < run->processes; ++i)
        if (run->pids[i] == pid)
            run->status[i] = status;
    return pid;
}

bool kill_reap(KillRun *run, double limit) {
    double end = kill_now() + limit, pause = 0.5e-3;
    for (;;) {
        pid_t pid = reap(run);
        if (pid < 0)
            return true;
        if (pid == 0 && kill_now() > end)
            return false;
        if (pid == 0)
            kill_sleep(pause);
        pause = pause < 4e-3 ? pause * 1.1 : pause;
    }
}

bool kill_ended(KillRun *run) {
    while (reap(run) > 0)
        continue;
    for (int i = 0; i < run->processes; ++i)
        if (run->status[i] == -1)
            return false;
    return true;
}

/* End our children; theirs become ours. */
static void sweep(void) {
    DIR *list = opendir("/proc");
    for (struct dirent *entry; list && (entry = readdir(list));) {
        int pid = atoi(entry->d_name);
        if (pid > 0 && parent_of(pid) == (int)getpid())
            kill((pid_t)pid, SIGKILL);
    }
    if (list)
        closedir(list);
}

void kill_close(KillRun *run) {
    for (int i = 0; i < 100 && !kill_reap(run, i ? 0.1 : 0); ++i)
        sweep(); /* a failure, told by now */
    if (run->area)
        munmap((void *)(uintptr_t)run->area, PAGE);
    if (run->segment >= 0)
        close(run->segment);
}
