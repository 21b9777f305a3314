/* nvrtc: see nvrtc.h. NVRTC sees the sources under the names by which they include each other, and no file. */
#include "cuda/nvrtc.h"

#include "cuda/cache.h"

#include <dlfcn.h>
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES_MOST = 128, FLAG_BYTES = 40 };

typedef struct Compilation {
    const rt_module *module;
    char architecture[FLAG_BYTES];
    const char *flags[3];
    int major, minor; /* of NVRTC */
    unsigned char key[RT_SHA256_BYTES];
} Compilation;

static rt_status nvrtc_told(nvrtcResult result, const char *call, rt_error *error) {
    return rt_error_set(error, RT_SOFTWARE, "NVRTC: %s: %s", call, nvrtcGetErrorString(result));
}

#define NVRTC_TRY(call)                                                                            \
    do {                                                                                           \
        nvrtcResult nvrtc_result_ = (call);                                                        \
        if (nvrtc_result_ != NVRTC_SUCCESS)                                                        \
            return nvrtc_told(nvrtc_result_, #call, error);                                        \
    } while (0)

/* --- for which devices ---------------------------------------------------------------------------------- */

/* The architecture itself with all that it has, or the latest that its generation shares with it; 0: NVRTC is older. */
static rt_status choose_architecture(int architecture, int *chosen, rt_error *error) {
    int count = 0, known[SOURCES_MOST];
    *chosen = 0;
    NVRTC_TRY(nvrtcGetNumSupportedArchs(&count));
    if (count > SOURCES_MOST)
        return rt_error_set(error, RT_SOFTWARE, "NVRTC: it knows %d architectures", count);
    NVRTC_TRY(nvrtcGetSupportedArchs(known));
    for (int i = 0; i < count; ++i)
        if (known[i] / 10 == architecture / 10 && known[i] <= architecture && known[i] > *chosen)
            *chosen = known[i];
    return RT_OK;
}

static rt_status set_flags(Compilation *at, int architecture, rt_error *error) {
    int chosen;
    NVRTC_TRY(nvrtcVersion(&at->major, &at->minor));
    RT_TRY(choose_architecture(architecture, &chosen, error));
    if (!chosen)
        return rt_error_set(
            error, RT_UNAVAILABLE,
            "NVRTC %d.%d cannot compile for this GPU, which is sm_%d: install a newer "
            "CUDA toolkit and build the program with it",
            at->major, at->minor, architecture);
    /* from 90 on, what only one device has is had by `a` */
    snprintf(at->architecture, sizeof at->architecture, "--gpu-architecture=sm_%d%s", chosen,
             chosen >= 90 && chosen == architecture ? "a" : "");
    at->flags[0] = at->architecture;
    at->flags[1] = "--std=c++17";
    at->flags[2] = "--generate-line-info";
    return RT_OK;
}

/* --- what it was compiled from -------------------------------------------------------------------------- */

static void add_text(rt_sha256 *sha, const char *text, size_t length) {
    uint64_t bytes = length;
    rt_sha256_add(sha, &bytes, sizeof bytes); /* so that no two lists are one text */
    rt_sha256_add(sha, text, length);
}

static void make_key(Compilation *at) {
    rt_sha256 sha;
    int version[2] = {at->major, at->minor};
    rt_sha256_begin(&sha);
    rt_sha256_add(&sha, version, sizeof version);
    for (size_t i = 0; i < sizeof at->flags / sizeof *at->flags; ++i)
        add_text(&sha, at->flags[i], strlen(at->flags[i]));
    for (int i = 0; i < at->module->sources; ++i) {
        const rt_source *source = &at->module->source[i];
        add_text(&sha, source->name, strlen(source->name));
        add_text(&sha, source->begin, (size_t)(source->end - source->begin));
    }
    rt_sha256_end(&sha, at->key);
}

/* --- errors ---------------------------------------------------------------------------------------------- */

/* Line `number` of a source, of `*length` bytes without what indents it; NULL: it has none. */
static const char *source_line(const rt_module *module, const char *name, size_t name_length,
                               long number, int *length) {
    for (int i = 0; i < module->sources; ++i) {
        const rt_source *source = &module->source[i];
        if (strlen(source->name) != name_length || memcmp(source->name, name, name_length) != 0)
            continue;
        const char *line = source->begin;
        for (long n = 1; n < number && line; ++n)
            line = (line = strchr(line, '\n')) ? line + 1 : NULL;
        if (!line)
            return NULL;
        line += strspn(line, " \t");
        *length = (int)strcspn(line, "\n");
        return line;
    }
    return NULL;
}

/* The log has lines of the form FILE(LINE): error: TEXT. */
static rt_status refused(const Compilation *at, const char *log, rt_error *error) {
    static const char mark[] = "): error";
    const char *found = strstr(log, mark), *line = found;
    int others = -1, length = 0;
    for (const char *next = found; next; next = strstr(next + 1, mark))
        ++others;
    while (line && line > log && line[-1] != '\n')
        --line;
    const char *open = line ? memchr(line, '(', (size_t)(found - line)) : NULL;
    if (!open)
        return rt_error_set(error, RT_SOFTWARE, "NVRTC %d.%d does not compile the kernels: %.400s",
                            at->major, at->minor, log);
    long number = strtol(open + 1, NULL, 10);
    const char *text = strchr(found + 2, ':');
    text = text ? text + 2 : found + 3;
    const char *shown = source_line(at->module, line, (size_t)(open - line), number, &length);
    char more[32] = "";
    if (others > 0)
        snprintf(more, sizeof more, " (and %d more)", others);
    return rt_error_set(error, RT_SOFTWARE, "NVRTC %d.%d, %s: %.*s:%ld: %.*s%s, in: %.*s",
                        at->major, at->minor, at->flags[0] + strlen("--gpu-architecture="),
                        (int)(open - line), line, number, (int)strcspn(text, "\n"), text, more,
                        shown ? length : 1, shown ? shown : "?");
}

/* --- compiling -------------------------------------------------------------------------------------------- */

static rt_status take_log(const Compilation *at, nvrtcProgram program, rt_error *error) {
    size_t size = 0;
    NVRTC_TRY(nvrtcGetProgramLogSize(program, &size));
    char *log = calloc(size + 1, 1);
    if (!log)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for what NVRTC says");
    nvrtcResult result = nvrtcGetProgramLog(program, log);
    rt_status status = result == NVRTC_SUCCESS ? refused(at, log, error)
                                               : nvrtc_told(result, "nvrtcGetProgramLog", error);
    free(log);
    return status;
}

/* NVRTC opens its built-ins by name, where the system looks for libraries. Those beside it may lie elsewhere, as PyPI lays
 * them out; once they are loaded the name leads to them. Where they are not beside it NVRTC looks by itself, and says so. */
static void load_builtins(const Compilation *at) {
    char path[4096];
    Dl_info nvrtc;
    const char *end = dladdr((void *)(uintptr_t)nvrtcCompileProgram, &nvrtc) && nvrtc.dli_fname
                          ? strrchr(nvrtc.dli_fname, '/')
                          : NULL;
    if (!end)
        return;
    snprintf(path, sizeof path, "%.*s/libnvrtc-builtins.so.%d.%d", (int)(end - nvrtc.dli_fname),
             nvrtc.dli_fname, at->major, at->minor);
    (void)dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static rt_status run(const Compilation *at, nvrtcProgram program, char **code, size_t *bytes,
                     rt_error *error) {
    int flags = sizeof at->flags / sizeof *at->flags;
    load_builtins(at);
    nvrtcResult result = nvrtcCompileProgram(program, flags, at->flags);
    if (result == NVRTC_ERROR_COMPILATION)
        return take_log(at, program, error);
    if (result != NVRTC_SUCCESS)
        return nvrtc_told(result, "nvrtcCompileProgram", error);
    NVRTC_TRY(nvrtcGetCUBINSize(program, bytes));
    *code = malloc(*bytes + 1);
    if (!*code)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %zu bytes of code", *bytes);
    NVRTC_TRY(nvrtcGetCUBIN(program, *code));
    return RT_OK;
}

static rt_status compile(const Compilation *at, char **code, size_t *bytes, rt_error *error) {
    const char *names[SOURCES_MOST], *texts[SOURCES_MOST];
    const rt_module *module = at->module;
    nvrtcProgram program;
    if (module->sources < 1 || module->sources > SOURCES_MOST)
        return rt_error_set(error, RT_SOFTWARE, "a module of %d sources", module->sources);
    for (int i = 1; i < module->sources; ++i) {
        names[i - 1] = module->source[i].name;
        texts[i - 1] = module->source[i].begin;
    }
    NVRTC_TRY(nvrtcCreateProgram(&program, module->source[0].begin, module->source[0].name,
                                 module->sources - 1, texts, names));
    rt_status status = run(at, program, code, bytes, error);
    nvrtcDestroyProgram(&program);
    return status;
}

rt_status rt_nvrtc_compile(const rt_module *module, int architecture, char **code, size_t *bytes,
                           rt_error *error) {
    Compilation at = {.module = module};
    char folder[RT_CACHE_PATH];
    *code = NULL;
    *bytes = 0;
    RT_TRY(set_flags(&at, architecture, error));
    make_key(&at);
    bool cached = rt_cache_folder(folder);
    rt_cache_state state = cached ? rt_cache_read(folder, at.key, code, bytes) : RT_CACHE_ABSENT;
    if (state == RT_CACHE_FOUND)
        return RT_OK;
    if (state == RT_CACHE_DAMAGED)
        fprintf(stderr, "kernels in %s are damaged and are compiled again\n", folder);
    rt_status status = compile(&at, code, bytes, error);
    if (status != RT_OK) {
        free(*code);
        *code = NULL;
        return status;
    }
    rt_error unkept = {0}; /* what cannot be kept is compiled at the next start, too */
    if (cached && rt_cache_write(folder, at.key, *code, *bytes, &unkept) != RT_OK)
        fprintf(stderr,
                "compiled kernels cannot be kept, RT_CUDA_CACHE names a folder for them: %s\n",
                unkept.text);
    return RT_OK;
}
