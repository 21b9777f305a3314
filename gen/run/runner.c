/* runner: see runner.h. Argument vectors only; nothing goes through a shell. */
#include "run/runner.h"

#include "base/fs.h"
#include "run/build.h"
#include "run/launch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

Status runner_begin(Run *run, const char *dir, const char *verb, Runner *runner) {
    const char *transport = run->options.values[OPTION_TRANSPORT];
    const char *weights = run->options.values[OPTION_WEIGHTS], *binary;
    int64_t ignored;
    *runner = (Runner){.dir = dir};
    if (transport && strcmp(transport, "shm") != 0 && strcmp(transport, "threads") != 0) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_TRANSPORT), "E0918",
                   "write shm or threads", "there is no transport '%s'", transport);
        return STATUS_USAGE;
    }
    TRY(options_int(&run->options, OPTION_TIMEOUT, 0, INT32_MAX, 0, &ignored, &run->diag));
    TRY(build_if_stale(run, dir, &binary));
    const char *map = fs_join(&run->arena, dir, "weights.map");
    if (!weights && fs_exists(map))
        weights = map;
    run_detail(run, "weights: %s", weights ? weights : "random by counter");
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

static Status known_status(int code) {
    switch (code) {
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
    if (result.signal)
        diag_error(&run->diag, diag_nowhere(), "E0832", NULL, "%s was ended by signal %d (%s)",
                   runner->argv[0], result.signal, strsignal(result.signal));
    else
        diag_error(&run->diag, diag_nowhere(), "E0831", NULL, "%s failed with exit status %d",
                   runner->argv[0], result.code);
    return known_status(result.code);
}

Status runner_scratch(Run *run, const char **dir) {
    const char *base = getenv("TMPDIR");
    char *path = arena_printf(&run->arena, "%s/toposmith-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) {
        diag_error(&run->diag, diag_nowhere(), "E0904", "TMPDIR names another place for it",
                   "no temporary folder %s: %s", path, strerror(errno));
        return STATUS_CANTCREAT;
    }
    *dir = path;
    return STATUS_OK;
}

void runner_scratch_remove(const char *dir) {
    DIR *stream = opendir(dir);
    struct dirent *entry;
    while (stream && (entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(stream), entry->d_name, 0);
    if (stream)
        closedir(stream);
    rmdir(dir);
}
