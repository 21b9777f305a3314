/* locate: looks in fixed places relative to the running binary. Paths lie in the run's arena. */
#include "run/locate.h"

#include "base/fs.h"

#include <stdlib.h>

static bool is_runtime(Run *run, const char *dir) {
    return fs_exists(fs_join(&run->arena, dir, "rt.h"));
}

Status locate_runtime(Run *run, const char **dir) {
    const char *given = run->options.values[OPTION_RUNTIME];
    const char *program = fs_program_dir(&run->arena);
    const char *places[] = {
        given,
        program ? fs_join(&run->arena, program, "../share/toposmith/runtime") : NULL,
        TOPOSMITH_SOURCE_DIR "/runtime",
    };
    for (int i = 0; i < 3; i++) {
        if (places[i] && is_runtime(run, places[i])) {
            char *full = realpath(places[i], NULL);
            *dir = arena_strdup(&run->arena, full ? full : places[i]);
            free(full);
            return STATUS_OK;
        }
        if (given)
            break;
    }
    diag_error(&run->diag, given ? options_place(&run->diag, OPTION_RUNTIME) : diag_nowhere(),
               "E0713", "name the folder that holds rt.h with --runtime",
               "the runtime is not in %s", given ? given : "its usual places");
    return STATUS_UNAVAILABLE;
}

const char *locate_library(Run *run) {
    const char *program = fs_program_dir(&run->arena);
    static const char *const places[] = {"runtime/librt_host.a", "../lib/toposmith/librt_host.a"};
    if (options_given(&run->options, OPTION_RUNTIME) || !program)
        return NULL;
    for (int i = 0; i < 2; i++) {
        char *full = realpath(fs_join(&run->arena, program, places[i]), NULL);
        if (full) {
            const char *path = arena_strdup(&run->arena, full);
            free(full);
            return path;
        }
    }
    return NULL;
}
