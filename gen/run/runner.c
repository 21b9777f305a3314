/* runner: see runner.h. Argument vectors only; nothing goes through a shell. */
#include "run/runner.h"

#include "base/fs.h"
#include "run/build.h"
#include "run/launch.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRATCH_PATH = 4096 };

void runner_add(Runner *runner, const char *argument) {
    assert(runner->count + 1 < (int)(sizeof runner->argv / sizeof *runner->argv));
    runner->argv[runner->count++] = argument;
}

void runner_add_option(Run *run, Runner *runner, const char *name, OptionId id) {
    if (!options_given(&run->options, id))
        return;
    runner_add(runner, name);
    runner_add(runner, run->options.values[id]);
}

/* Which of them a program has, it says itself. */
static bool is_transport(const char *name) {
    return strcmp(name, "shm") == 0 || strcmp(name, "threads") == 0 ||
           strcmp(name, "loopback") == 0 || strcmp(name, "nccl") == 0;
}

Status runner_begin(Run *run, const char *dir, const char *verb, Runner *runner) {
    const char *transport = run->options.values[OPTION_TRANSPORT];
    const char *weights = run->options.values[OPTION_WEIGHTS], *binary;
    int64_t ignored;
    *runner = (Runner){.dir = dir};
    if (transport && !is_transport(transport)) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_TRANSPORT), "E0918",
                   "write shm or threads; of programs for GPUs loopback or nccl",
                   "there is no transport '%s'", transport);
        return STATUS_USAGE;
    }
    TRY(options_int(&run->options, OPTION_TIMEOUT, 0, INT32_MAX, 0, &ignored, &run->diag));
    if (weights && !fs_exists(weights)) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_WEIGHTS), "E0901",
                   "make it with: gen weights DIR --from CHECKPOINT", "there is no file %s",
                   weights);
        return STATUS_NOINPUT;
    }
    TRY(build_if_stale(run, dir, &binary));
    const char *map = fs_join(&run->arena, dir, "weights.map");
    bool computes = strcmp(verb, "emulate") != 0 && strcmp(verb, "preflight") != 0;
    if (!weights && computes && fs_exists(map))
        weights = map;
    if (computes && (weights || strcmp(verb, "run") != 0))
        run_detail(run, "weights: %s", weights ? weights : "random by counter");
    else if (computes)
        run_say(run, "weights are random; gen weights %s --from CHECKPOINT takes those of one",
                launch_quote(&run->arena, dir));
    runner_add(runner, binary);
    runner_add(runner, verb);
    if (weights) {
        runner_add(runner, "--weights");
        runner_add(runner, weights);
    }
    runner_add_option(run, runner, "--transport", OPTION_TRANSPORT);
    runner_add_option(run, runner, "--timeout-ms", OPTION_TIMEOUT);
    runner_add_option(run, runner, "--trace", OPTION_TRACE);
    if (options_given(&run->options, OPTION_QUIET))
        runner_add(runner, "--quiet");
    return STATUS_OK;
}

/* A signal that a mistake in the program raises; others come from outside. */
static bool is_crash(int signal) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (signal == crashes[i])
            return true;
    return false;
}

static Status known_status(int code) {
    switch (code) {
    case STATUS_USAGE:
    case STATUS_LOST:
    case STATUS_DATA:
    case STATUS_NOINPUT:
    case STATUS_UNAVAILABLE:
    case STATUS_CANTCREAT:
        return (Status)code;
    default:
        return STATUS_SOFTWARE;
    }
}

Status runner_run(Run *run, const Runner *runner, Buf *output) {
    LaunchResult result;
    run_detail(run, "%s", launch_line(&run->arena, runner->argv));
    TRY(launch_run(&(Launch){.argv = runner->argv, .output = output}, &result, &run->diag));
    if (result.code == STATUS_OK || result.code == STATUS_NEGATIVE)
        return (Status)result.code;
    if (result.signal) {
        diag_error(&run->diag, diag_nowhere(), "E0832",
                   is_crash(result.signal) ? "this is a bug of gen unless you changed the sources"
                                           : "if nobody ended it, see whether memory ran out",
                   "%s was ended by signal %d (%s)", runner->argv[0], result.signal,
                   strsignal(result.signal));
        return is_crash(result.signal) ? STATUS_SOFTWARE : STATUS_LOST;
    }
    diag_error(&run->diag, diag_nowhere(), "E0831", NULL, "%s failed with exit status %d",
               runner->argv[0], result.code);
    return known_status(result.code);
}

static void scratch_undo(void *owner) {
    const Scratch *scratch = owner;
    unlink(scratch->path);
    for (int64_t rank = 0; rank < scratch->ranks; rank++) {
        char record[SCRATCH_PATH];
        snprintf(record, sizeof record, "%s.%lld", scratch->prefix, (long long)rank);
        unlink(record);
    }
    rmdir(scratch->dir);
}

Status scratch_open(Run *run, const char *name, Scratch *scratch) {
    const char *base = getenv("TMPDIR");
    scratch->dir = arena_printf(&run->arena, "%s/toposmith-XXXXXX", base && *base ? base : "/tmp");
    scratch->path = fs_join(&run->arena, scratch->dir, name);
    scratch->prefix = fs_join(&run->arena, scratch->dir, "calls");
    scratch->ranks = 0;
    scratch->leftover = leftover_guard(scratch_undo, scratch);
    if (!mkdtemp(scratch->dir)) {
        int error = errno;
        leftover_release(scratch->leftover);
        diag_error(&run->diag, diag_nowhere(), "E0904", "TMPDIR names another place for it",
                   "no temporary folder %s: %s", scratch->dir, strerror(error));
        return STATUS_CANTCREAT;
    }
    memcpy(scratch->path, scratch->dir, strlen(scratch->dir)); /* its letters are known now */
    memcpy(scratch->prefix, scratch->dir, strlen(scratch->dir));
    return STATUS_OK;
}

void scratch_close(Scratch *scratch) {
    leftover_release(scratch->leftover);
    scratch_undo(scratch);
}
