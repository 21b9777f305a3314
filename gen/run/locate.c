/* locate: looks in fixed places relative to the running binary, so that an installed tree can be moved and
 * never reaches back to where it was built. The build folder has the same tree, of links, beside its gen.
 * Paths lie in the run's arena. */
#include "run/locate.h"

#include "base/fs.h"

#include <stdlib.h>

/* The first of `places`, relative to the binary's folder, that holds `file` (NULL: is there at all); NULL if
 * none does. */
static const char *beside_program(Run *run, const char *const places[2], const char *file) {
    const char *program = fs_program_dir(&run->arena);
    for (int i = 0; program && i < 2; i++) {
        const char *place = fs_join(&run->arena, program, places[i]);
        if (!fs_exists(file ? fs_join(&run->arena, place, file) : place))
            continue;
        char *full = realpath(place, NULL);
        const char *path = arena_strdup(&run->arena, full ? full : place);
        free(full);
        return path;
    }
    return NULL;
}

Status locate_runtime(Run *run, const char **dir) {
    static const char *const places[2] = {"../share/toposmith/runtime", "share/toposmith/runtime"};
    const char *given = run->options.values[OPTION_RUNTIME];
    if (!given) {
        *dir = beside_program(run, places, "rt.h");
    } else if (fs_exists(fs_join(&run->arena, given, "rt.h"))) {
        char *full = realpath(given, NULL);
        *dir = arena_strdup(&run->arena, full ? full : given);
        free(full);
    } else {
        *dir = NULL;
    }
    if (*dir)
        return STATUS_OK;
    diag_error(&run->diag, given ? options_place(&run->diag, OPTION_RUNTIME) : diag_nowhere(),
               "E0713", "name the folder that holds rt.h with --runtime",
               "the runtime is not in %s",
               given ? given : "../share/toposmith/runtime, seen from gen");
    return STATUS_UNAVAILABLE;
}

Status locate_inputs(Run *run, const char *folder, const char **dir) {
    const char *const places[2] = {
        arena_printf(&run->arena, "../share/toposmith/%s", folder),
        arena_printf(&run->arena, "share/toposmith/%s", folder),
    };
    *dir = beside_program(run, places, NULL);
    if (*dir)
        return STATUS_OK;
    diag_error(&run->diag, diag_nowhere(), "E0716", "install gen whole: cmake --install",
               "the folder %s is not in ../share/toposmith, seen from gen", folder);
    return STATUS_UNAVAILABLE;
}

const char *locate_library(Run *run) {
    static const char *const places[2] = {"../lib/toposmith/librt_host.a", "runtime/librt_host.a"};
    if (options_given(&run->options, OPTION_RUNTIME))
        return NULL;
    return beside_program(run, places, NULL);
}

const char *locate_toolkit(Run *run) {
    static const char *const places[2] = {"../cuda/cu13", "../../cuda/cu13"};
    return beside_program(run, places, "include/cuda_runtime_api.h");
}
