/* observe: see observe.h. Texts go through unlinked temporary files, so that a full pipe stops nobody. */
#include "observe.h"

#include "inject.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void observe_begin(void) {
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        abort();
}

/* --- digests: FNV-1a, summed over files so that their order does not count ---------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; ++i)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_file(uint64_t hash, int file) {
    char chunk[16384];
    ssize_t got;
    while ((got = read(file, chunk, sizeof chunk)) > 0)
        hash = mix(hash, chunk, (size_t)got);
    return hash;
}

static uint64_t tree_digest; /* nftw passes no context */
static const Command *tree_command;
static size_t tree_root; /* length of the folder's name */

static int add_entry(const char *path, const struct stat *info, int kind, struct FTW *at) {
    const char *aside = tree_command->aside;
    if (aside && path[tree_root] && strcmp(path + tree_root + 1, aside) == 0)
        return 0;
    uint64_t hash = mix(0xcbf29ce484222325u, path + tree_root, strlen(path + tree_root));
    hash = mix(hash, &(int){kind}, sizeof(int));
    int file = kind == FTW_F && !tree_command->names_only ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        hash = mix_file(hash, file);
        close(file);
    }
    tree_digest += hash;
    return 0;
}

uint64_t observe_tree(const Command *command) {
    tree_command = command;
    tree_digest = 0;
    tree_root = strlen(command->folder);
    nftw(command->folder, add_entry, 16, FTW_PHYS);
    return tree_digest;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

static _Noreturn void start(const Command *command, int out, int err) {
    int nothing = open("/dev/null", O_RDONLY);
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s/tmp", command->folder);
    setpgid(0, 0);
    prctl(PR_SET_DUMPABLE, 0); /* no core files */
    if (dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || chdir(command->folder) != 0)
        _exit(126);
    setenv("TMPDIR", temporary, 1);
    setenv(INJECT_TABLE_VARIABLE, command->table, 1);
    if (command->fail)
        setenv(INJECT_FAIL_VARIABLE, command->fail, 1);
    if (command->library)
        setenv("LD_PRELOAD", command->library, 1);
    execv(command->argv[0], command->argv);
    _exit(126);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Wait for the command; past the limit its group is killed. */
static void await(pid_t pid, Observation *seen) {
    double end = now() + OBSERVE_LIMIT_S;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now() > end) {
            seen->hung = true;
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        usleep(500);
    }
    seen->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    seen->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Orphans become our children. One that is ending just now gets a moment. */
static int outlived(pid_t group) {
    int left = 0;
    for (int waited = 0; waited < 200; ++waited) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            continue;
        if (pid < 0)
            return 0;
        usleep(1000);
    }
    kill(-group, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        left++;
    return left;
}

static uint64_t take(int file, char *text) {
    ssize_t got = pread(file, text, OBSERVE_TEXT - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    lseek(file, 0, SEEK_SET);
    uint64_t digest = mix_file(0xcbf29ce484222325u, file);
    close(file);
    return digest;
}

void observe(const Command *command, Observation *seen) {
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    *seen = (Observation){0};
    pid_t pid = fork();
    if (pid == 0)
        start(command, out, err);
    if (pid < 0 || out < 0 || err < 0)
        abort();
    setpgid(pid, pid);
    await(pid, seen);
    seen->processes = outlived(pid);
    seen->out_digest = take(out, seen->out);
    take(err, seen->err);
    seen->tree = observe_tree(command);
}
