/* launch: fork and exec with one pipe for the output and one, closed on exec, that tells why exec failed.
 * Holds no memory beyond the call. */
#include "run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whoever ends gen, even by SIGKILL, means what it runs too. */
static void child(const Launch *launch, int output, int failed, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        goto fail;
    if (getppid() != parent)
        _exit(126); /* it died before the signal was asked for */
    if (launch->log)
        output = open(launch->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if ((launch->log || launch->output) && (output < 0 || dup2(output, STDOUT_FILENO) < 0))
        goto fail;
    if ((launch->log || (launch->output && launch->merge)) && dup2(output, STDERR_FILENO) < 0)
        goto fail;
    execvp(launch->argv[0], (char *const *)launch->argv);
fail:;
    int error = errno;
    ssize_t written = write(failed, &error, sizeof error);
    _exit(written == (ssize_t)sizeof error ? 127 : 126);
}

/* Until its end. Returns 0 or an errno: what came is then not all. */
static int drain(int fd, Buf *output) {
    char chunk[4096];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got > 0)
            buf_append(output, chunk, (size_t)got);
        else if (got == 0)
            return 0;
        else if (errno != EINTR)
            return errno;
    }
}

static int read_error(int fd) {
    int error = 0;
    ssize_t got;
    do
        got = read(fd, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    return got < 0 ? errno : got == (ssize_t)sizeof error ? error : 0;
}

static void close_pipe(int fds[2]) {
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

static Status cannot_read(const Launch *launch, int error, Diag *diag) {
    diag_error(diag, diag_nowhere(), "E0830", NULL, "what %s printed cannot be read: %s",
               launch->argv[0], strerror(error));
    return STATUS_SOFTWARE;
}

static Status cannot_start(const Launch *launch, int error, Diag *diag) {
    diag_error(diag, diag_nowhere(), "E0830", NULL, "%s cannot be started: %s", launch->argv[0],
               strerror(error));
    return STATUS_SOFTWARE;
}

/* Without a descriptor to wait for there are no ticks, which nothing depends on. */
static void tick_until_end(const Launch *launch, pid_t pid) {
    enum { TICK_MS = 100 };
    struct pollfd end = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    while (end.fd >= 0) {
        int ready = poll(&end, 1, TICK_MS);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            break;
        launch->tick(launch->context);
    }
    if (end.fd >= 0)
        close(end.fd);
}

Status launch_run(const Launch *launch, LaunchResult *result, Diag *diag) {
    int output[2] = {-1, -1}, failed[2] = {-1, -1};
    *result = (LaunchResult){0};
    if (pipe2(failed, O_CLOEXEC) || (launch->output && pipe2(output, O_CLOEXEC))) {
        int error = errno;
        close_pipe(failed);
        return cannot_start(launch, error, diag);
    }
    fflush(NULL);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child(launch, output[1], failed[1], parent);
    int error = pid < 0 ? errno : 0, unread = 0, status = 0;
    for (int i = 0; i < 2; i++) { /* the write ends are the child's */
        int *fd = i ? &failed[1] : &output[1];
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
    }
    if (pid > 0) {
        error = read_error(failed[0]);
        if (launch->output)
            unread = drain(output[0], launch->output);
        close_pipe(output); /* so that a program that still writes is not waited for */
        if (launch->tick)
            tick_until_end(launch, pid);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close_pipe(failed);
    close_pipe(output);
    if (error == ENOENT)
        return STATUS_UNAVAILABLE;
    if (error)
        return cannot_start(launch, error, diag);
    if (unread)
        return cannot_read(launch, unread, diag);
    result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return STATUS_OK;
}

const char *launch_quote(Arena *arena, const char *word) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "%+,-./:=@_";
    Buf quoted = {0};
    if (*word && !word[strspn(word, plain)])
        return word;
    buf_putc(&quoted, '\'');
    for (; *word; word++)
        if (*word == '\'')
            buf_puts(&quoted, "'\\''");
        else
            buf_putc(&quoted, *word);
    buf_putc(&quoted, '\'');
    const char *text = arena_strdup(arena, quoted.data);
    buf_free(&quoted);
    return text;
}

const char *launch_line(Arena *arena, const char *const *argv) {
    Buf line = {0};
    for (int i = 0; argv[i]; i++)
        buf_printf(&line, "%s%s", i ? " " : "", launch_quote(arena, argv[i]));
    const char *text = arena_strdup(arena, line.data ? line.data : "");
    buf_free(&line);
    return text;
}

const char *launch_find(Arena *arena, const char *name) {
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        const char *full = arena_printf(arena, "%.*s/%s", (int)length, path, name);
        if (length && access(full, X_OK) == 0)
            return full;
        path += length + (path[length] == ':');
    }
    return NULL;
}
