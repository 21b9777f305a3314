/* build: see build.h. A kernel is known by its text and that of all headers, but for what names the plan. */
#include "build.h"

#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_LIMIT = 16 << 20, FILES = 256 };

int build_run(const char *folder, const char *const *argv, const char *log) {
    pid_t child = fork();
    if (child == 0) {
        int out = chdir(folder) == 0 ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
        if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(126);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 126;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char *read_text(Arena *arena, const char *folder, const char *name) {
    char *text;
    size_t length;
    Diag diag = {.arena = arena};
    Status status = fs_read(arena, fs_join(arena, folder, name), FILE_LIMIT, &text, &length, &diag);
    return status == STATUS_OK ? text : arena_strdup(arena, "");
}

const char *build_tail(Arena *arena, const char *folder, const char *log, size_t most) {
    const char *text = read_text(arena, folder, log);
    size_t length = strlen(text);
    return length > most ? text + length - most : text;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info, (void)type, (void)at;
    return remove(path);
}

void build_remove(const char *folder) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- kernels once ----------------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; ++text)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

/* Lines that name the plan, the program or its roles decide nothing in a kernel. */
static uint64_t hash_lines(uint64_t hash, char *text) {
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (!strstr(line, "_DIGEST") && !strstr(line, "program ") &&
            !strstr(line, "(rt_rank *rank);"))
            hash = hash_text(hash, line);
    return hash;
}

static bool ends_with(const char *name, const char *end) {
    size_t length = strlen(name), tail = strlen(end);
    return length > tail && strcmp(name + length - tail, end) == 0;
}

/* Names of a folder that end so, ascending; at most FILES. */
static int list_files(Arena *arena, const char *folder, const char *end, const char **names) {
    struct dirent **entries;
    int found = scandir(folder, &entries, NULL, alphasort), count = 0;
    for (int i = 0; i < found; ++i) {
        if (ends_with(entries[i]->d_name, end) && count < FILES)
            names[count++] = arena_strdup(arena, entries[i]->d_name);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return count;
}

typedef struct Compile {
    Arena *arena;
    const char *folder, *cache, *argv[FILES + 64];
    int count;
} Compile;

static void add_argument(Compile *of, const char *text) {
    of->argv[of->count++] = text;
    of->argv[of->count] = NULL;
}

/* Flags as CMake found them, split at blanks. */
static void add_flags(Compile *of, const char *flags) {
    char *text = arena_strdup(of->arena, flags), *rest;
    for (char *flag = strtok_r(text, " ;", &rest); flag; flag = strtok_r(NULL, " ;", &rest))
        add_argument(of, flag);
}

static void begin(Compile *of, const char *level) {
    of->count = 0;
    add_flags(of, PROVE_CC);
    add_flags(of, PROVE_SANITIZE);
    add_argument(of, level);
    add_argument(of, "-w");
}

static bool run(Compile *of, Verdict *verdict) {
    if (build_run(of->folder, of->argv, "cc.log") == 0)
        return true;
    verdict_fail(verdict, "run: does not compile", "%s",
                 build_tail(of->arena, of->folder, "cc.log", 900));
    return false;
}

static bool make_kernels(Compile *of, const char **objects, int *count, Verdict *verdict) {
    const char *kernels = fs_join(of->arena, of->folder, "kernels"), *names[FILES];
    uint64_t headers = hash_lines(1, read_text(of->arena, of->folder, "constants.h"));
    headers = hash_lines(headers, read_text(of->arena, of->folder, "ops.h"));
    int files = list_files(of->arena, kernels, ".h", names);
    for (int i = 0; i < files; ++i)
        headers = hash_lines(headers, read_text(of->arena, kernels, names[i]));
    files = list_files(of->arena, kernels, ".c", names);
    for (int i = 0; i < files; ++i) {
        uint64_t key = hash_text(headers, names[i]);
        if (strcmp(names[i], "pack.c") == 0) /* it alone sees the program's tables */
            key = hash_lines(key, read_text(of->arena, of->folder, "program.h"));
        key = hash_lines(key, read_text(of->arena, kernels, names[i]));
        char *object = arena_printf(of->arena, "%s/%016llx.o", of->cache, (unsigned long long)key);
        objects[(*count)++] = object;
        if (fs_exists(object))
            continue;
        begin(of, "-O0");
        add_flags(of, "-I. -I" PROVE_RUNTIME " " PROVE_BLAS_CFLAGS " -ffp-contract=fast -c");
        add_argument(of, arena_printf(of->arena, "kernels/%s", names[i]));
        add_argument(of, "-o");
        add_argument(of, object);
        if (!run(of, verdict))
            return false;
    }
    return true;
}

/* The sources of a program as one: names that are not shared differ between them. */
static bool write_whole(Compile *of, const char *name) {
    const char *sources[FILES];
    int files = list_files(of->arena, of->folder, ".c", sources);
    FILE *file = fopen(fs_join(of->arena, of->folder, name), "w");
    for (int i = 0; file && i < files; ++i)
        fprintf(file, "#include \"%s\"\n", sources[i]);
    return file && fclose(file) == 0;
}

bool build_make(Arena *arena, const char *folder, const char *cache, Verdict *verdict) {
    Compile of = {.arena = arena, .folder = folder, .cache = cache};
    const char *objects[FILES];
    int count = 0;
    if (!make_kernels(&of, objects, &count, verdict))
        return false;
    if (!write_whole(&of, "whole.txt")) {
        verdict_fail(verdict, "run: no room", "%s cannot be written to", folder);
        return false;
    }
    begin(&of, "-O0");
    add_flags(&of, "-I. -I" PROVE_RUNTIME " " PROVE_LINKER " -o program -x c whole.txt -x none");
    for (int i = 0; i < count; ++i)
        add_argument(&of, objects[i]);
    add_flags(&of, PROVE_LIBRARY " " PROVE_BLAS_LIBS " -lm -lpthread");
    return run(&of, verdict);
}
