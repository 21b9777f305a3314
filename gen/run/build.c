/* build: configure once per set of arguments, then let CMake decide what to compile. */
#include "run/build.h"

#include "base/fs.h"
#include "run/launch.h"
#include "run/locate.h"
#include "run/toolkit.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUILD_BINARY "build/program"
#define BUILD_STAMP "build/configured.txt" /* the arguments of the last successful configuration */
#define BUILD_LOG "build/build.log"

enum { LOG_LINES = 30 };

static const char *const INSTALL = "on Debian: apt-get install build-essential cmake ninja-build "
                                   "pkg-config libopenblas-pthread-dev";

Status build_binary(Run *run, const char *dir, const char **binary) {
    if (!fs_exists(fs_join(&run->arena, dir, "plan.json")) ||
        !fs_exists(fs_join(&run->arena, dir, "CMakeLists.txt"))) {
        diag_error(&run->diag, diag_nowhere(), "E0714",
                   "emit one first: gen make -m MODEL -t TOPOLOGY -o DIR",
                   "%s is no emitted program: it has no plan.json and CMakeLists.txt", dir);
        return STATUS_NOINPUT;
    }
    *binary = fs_join(&run->arena, dir, BUILD_BINARY);
    return STATUS_OK;
}

/* --- tools ------------------------------------------------------------------------------------------ */

static Status need_tools(Run *run, bool *ninja) {
    const char *compiler = getenv("CC");
    *ninja = launch_find(&run->arena, "ninja");
    if (!launch_find(&run->arena, "cmake") || (!*ninja && !launch_find(&run->arena, "make"))) {
        diag_error(&run->diag, diag_nowhere(), "E0710", INSTALL,
                   "cmake with ninja or make is needed to build, and is not in PATH");
        return STATUS_UNAVAILABLE;
    }
    if (compiler && *compiler) {
        const char *first = arena_strndup(&run->arena, compiler, strcspn(compiler, " "));
        if (strchr(first, '/') ? access(first, X_OK) == 0 : launch_find(&run->arena, first) != NULL)
            return STATUS_OK;
        diag_error(&run->diag, diag_nowhere(), "E0711", "correct CC, or unset it",
                   "CC names the compiler %s, which is not there", first);
        return STATUS_UNAVAILABLE;
    }
    if (!launch_find(&run->arena, "cc") && !launch_find(&run->arena, "gcc") &&
        !launch_find(&run->arena, "clang")) {
        diag_error(&run->diag, diag_nowhere(), "E0711", INSTALL, "no C compiler is in PATH");
        return STATUS_UNAVAILABLE;
    }
    return STATUS_OK;
}

static void show_log(const char *path, Diag *diag) {
    char *text;
    size_t length;
    if (fs_read(diag->arena, path, 64u << 20, &text, &length, diag) != STATUS_OK)
        return;
    int lines = 0;
    while (length > 0 && (text[length - 1] != '\n' || ++lines <= LOG_LINES))
        length--;
    fputs(text + length, stderr);
}

typedef struct BuildProgress {
    const Run *run;
    const char *dir, *log;
} BuildProgress;

/* How far CMake's tool says to be in the end of its log: "[7/23]" is ninja's word, "[ 30%]" that of make. */
static void show_progress(void *context) {
    const BuildProgress *progress = context;
    char tail[2048], step[32] = "";
    FILE *file = fopen(progress->log, "r");
    if (!file)
        return;
    if (fseek(file, -(long)(sizeof tail - 1), SEEK_END) != 0)
        rewind(file);
    tail[fread(tail, 1, sizeof tail - 1, file)] = '\0';
    fclose(file);
    for (const char *at = tail; (at = strchr(at, '[')); at++)
        if ((at == tail || at[-1] == '\n') && strspn(at + 1, " 0123456789/%") > 1)
            snprintf(step, sizeof step, "%.*s", (int)strspn(at + 1, " 0123456789/%"), at + 1);
    if (*step)
        run_progress(progress->run, "building %s: %s", progress->dir, step + strspn(step, " "));
    else
        run_progress(progress->run, "building %s: configuring", progress->dir);
}

/* Run one tool with its output in the log. */
static Status tool(Run *run, const char *dir, const char *const *argv) {
    const char *log = fs_join(&run->arena, dir, BUILD_LOG);
    BuildProgress progress = {run, dir, log};
    Launch launch = {.argv = argv, .log = log, .context = &progress};
    LaunchResult result;
    if (run_progress_wanted(run))
        launch.tick = show_progress;
    run_detail(run, "%s", launch_line(&run->arena, argv));
    Status status = launch_run(&launch, &result, &run->diag);
    run_progress_end(run);
    TRY(status);
    if (result.code == 0)
        return STATUS_OK;
    show_log(log, &run->diag);
    diag_error(&run->diag, diag_nowhere(), "E0712",
               arena_printf(&run->arena, "the whole output is in %s", log),
               "building %s failed in: %s", dir, launch_line(&run->arena, argv));
    return STATUS_SOFTWARE;
}

/* --- building ---------------------------------------------------------------------------------------- */

static bool same_text(Run *run, const char *path, const char *line) {
    Diag ignored = {.arena = &run->arena};
    char *text;
    size_t length;
    return fs_exists(path) &&
           fs_read(&run->arena, path, 1u << 20, &text, &length, &ignored) == STATUS_OK &&
           strcmp(text, line) == 0;
}

static Status configure(Run *run, const char *dir, bool ninja) {
    bool gpus = toolkit_wanted(run, dir);
    const char *runtime, *library = gpus ? NULL : locate_library(run);
    Toolkit toolkit = gpus ? toolkit_find(run) : (Toolkit){0};
    TRY(locate_runtime(run, &runtime));
    char *full = realpath(dir, NULL);
    const char *source = arena_strdup(&run->arena, full ? full : dir);
    free(full);
    const char *argv[] = {
        "cmake",
        "--fresh",
        "-S",
        source,
        "-B",
        fs_join(&run->arena, source, "build"),
        "-G",
        ninja ? "Ninja" : "Unix Makefiles",
        arena_printf(&run->arena, "-DRT_DIR=%s", runtime),
        arena_printf(&run->arena, "-DRT_LIBRARY=%s", library ? library : ""),
        "-DCMAKE_BUILD_TYPE=" TOPOSMITH_BUILD_TYPE,
        "-DTOPOSMITH_SANITIZE=" TOPOSMITH_SANITIZE,
        gpus ? arena_printf(&run->arena, "-DCUDA_ROOT=%s", toolkit.root)
             : NULL, /* it was checked */
        arena_printf(&run->arena, "-DCUBLAS_ROOT=%s", toolkit.blas ? toolkit.blas : ""),
        gpus && toolkit.nccl ? arena_printf(&run->arena, "-DNCCL_ROOT=%s", toolkit.nccl) : NULL,
        NULL,
    };
    const char *stamp = fs_join(&run->arena, dir, BUILD_STAMP);
    const char *line = launch_line(&run->arena, argv);
    if (same_text(run, stamp, line))
        return STATUS_OK;
    TRY(tool(run, dir, argv));
    return fs_write(stamp, line, strlen(line), &run->diag);
}

Status build_program(Run *run, const char *dir) {
    const char *binary, *runtime, *build = fs_join(&run->arena, dir, "build");
    bool ninja;
    struct timespec begin, end;
    TRY(build_binary(run, dir, &binary));
    TRY(need_tools(run, &ninja));
    TRY(locate_runtime(run, &runtime)); /* before anything is written */
    if (toolkit_wanted(run, dir)) {
        Toolkit toolkit = toolkit_find(run);
        TRY(toolkit_check(run, dir, &toolkit));
    }
    if (mkdir(build, 0755) != 0 && !fs_is_directory(build)) {
        diag_error(&run->diag, diag_nowhere(), "E0904", fs_cure(errno), "%s cannot be made: %s",
                   build, strerror(errno));
        return STATUS_CANTCREAT;
    }
    unlink(fs_join(&run->arena, dir, BUILD_LOG));
    run_say(run, "building %s", dir);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    TRY(configure(run, dir, ninja));
    const char *argv[] = {"cmake", "--build", build, "--parallel", NULL};
    TRY(tool(run, dir, argv));
    clock_gettime(CLOCK_MONOTONIC, &end);
    run_say(run, "built %s in %.1f s", binary,
            (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9);
    return STATUS_OK;
}

/* --- staleness ---------------------------------------------------------------------------------------- */

static bool newer(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static bool is_source(const char *name) {
    const char *dot = strrchr(name, '.');
    return (dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h") || !strcmp(dot, ".cu") ||
                    !strcmp(dot, ".cuh"))) ||
           strcmp(name, "CMakeLists.txt") == 0;
}

/* A source under `dir`, at most `depth` folders down, that is newer than `when`; NULL if none is. */
static const char *newer_source(Arena *arena, const char *dir, const struct timespec *when,
                                int depth) {
    DIR *stream = opendir(dir);
    const char *found = NULL;
    struct dirent *entry;
    struct stat info;
    while (!found && stream && (entry = readdir(stream))) {
        const char *name = entry->d_name, *path = fs_join(arena, dir, name);
        if (name[0] == '.' || strcmp(name, "build") == 0 || stat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth > 0)
            found = newer_source(arena, path, when, depth - 1);
        else if (S_ISREG(info.st_mode) && is_source(name) && newer(&info.st_mtim, when))
            found = path;
    }
    if (stream)
        closedir(stream);
    return found;
}

Status build_if_stale(Run *run, const char *dir, const char **binary) {
    struct stat built, library;
    TRY(build_binary(run, dir, binary));
    bool gpus = toolkit_wanted(run, dir); /* then the runtime is compiled with it */
    const char *archive = gpus ? NULL : locate_library(run), *runtime = NULL;
    if (gpus)
        TRY(locate_runtime(run, &runtime));
    if (stat(*binary, &built) != 0) {
        run_say(run, "%s is not built yet", dir);
        return build_program(run, dir);
    }
    const char *source = newer_source(&run->arena, dir, &built.st_mtim, 2);
    if (!source && archive && stat(archive, &library) == 0 &&
        newer(&library.st_mtim, &built.st_mtim))
        source = archive;
    if (!source && runtime)
        source = newer_source(&run->arena, runtime, &built.st_mtim, 1);
    if (!source)
        return STATUS_OK;
    run_say(run, "%s is older than %s", *binary, source);
    return build_program(run, dir);
}
