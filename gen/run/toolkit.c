/* toolkit: see toolkit.h. */
#include "run/toolkit.h"

#include "base/fs.h"
#include "run/launch.h"
#include "run/locate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a program says whose kernels nvcc makes when it is built (templates/cuda/CMakeLists.tmpl.txt). */
#define MADE_AHEAD "set(KERNELS aot)"
enum { CMAKE_MOST = 1 << 20 };

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The folder above bin/ of an nvcc in PATH. */
static const char *beside_nvcc(Run *run) {
    const char *nvcc = launch_find(&run->arena, "nvcc");
    char *full = nvcc ? realpath(nvcc, NULL) : NULL;
    const char *root = NULL;
    for (int up = 0; full && up < 2; up++)
        *strrchr(full, '/') = '\0';
    if (full)
        root = arena_strdup(&run->arena, *full ? full : "/");
    free(full);
    return root;
}

Toolkit toolkit_find(Run *run) {
    static const char *const names[] = {"CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"};
    Toolkit toolkit = {.nccl = variable("NCCL_ROOT"), .blas = variable("CUBLAS_ROOT")};
    for (int i = 0; i < 3 && !toolkit.root; i++)
        toolkit.root = variable(names[i]);
    if (!toolkit.root)
        toolkit.root = locate_toolkit(run);
    if (!toolkit.root)
        toolkit.root = beside_nvcc(run);
    if (!toolkit.root && fs_is_directory("/usr/local/cuda"))
        toolkit.root = "/usr/local/cuda";
    return toolkit;
}

const char *toolkit_nvcc(Run *run, const Toolkit *toolkit) {
    const char *path = toolkit->root ? fs_join(&run->arena, toolkit->root, "bin/nvcc") : NULL;
    return path && access(path, X_OK) == 0 ? path : NULL;
}

/* The first of the files below a root, in the folders where headers and libraries lie. */
static const char *file_below(Run *run, const char *root, const char *const *names) {
    static const char *const folders[] = {"include",
                                          "lib64",
                                          "lib",
                                          "lib/x86_64-linux-gnu",
                                          "lib/aarch64-linux-gnu",
                                          "targets/x86_64-linux/include",
                                          "targets/x86_64-linux/lib",
                                          "targets/sbsa-linux/include",
                                          "targets/sbsa-linux/lib"};
    for (size_t f = 0; root && f < sizeof folders / sizeof *folders; f++)
        for (const char *const *name = names; *name; name++) {
            const char *path = arena_printf(&run->arena, "%s/%s/%s", root, folders[f], *name);
            if (access(path, R_OK) == 0)
                return path;
        }
    return NULL;
}

const char *toolkit_file(Run *run, const Toolkit *toolkit, const char *const *names) {
    return file_below(run, toolkit->root, names);
}

const char *toolkit_nccl(Run *run, const Toolkit *toolkit) {
    static const char *const header[] = {"nccl.h", NULL};
    const char *const places[] = {
        toolkit->root,
        toolkit->root ? arena_printf(&run->arena, "%s/../nccl", toolkit->root) : NULL, "/usr",
        "/usr/local"};
    const char *found = NULL;
    if (toolkit->nccl)
        return file_below(run, toolkit->nccl, header);
    for (int i = 0; i < 4 && !found; i++)
        found = file_below(run, places[i], header);
    return found;
}

bool toolkit_wanted(Run *run, const char *dir) {
    return fs_exists(fs_join(&run->arena, dir, "kernels/module.cu"));
}

static bool made_ahead(Run *run, const char *dir) {
    Diag ignored = {.arena = &run->arena};
    char *text;
    size_t length;
    return fs_read(&run->arena, fs_join(&run->arena, dir, "CMakeLists.txt"), CMAKE_MOST, &text,
                   &length, &ignored) == STATUS_OK &&
           strstr(text, MADE_AHEAD);
}

static Status lacks(Run *run, const char *dir, const char *what, const char *cure) {
    diag_error(&run->diag, diag_nowhere(), "E0717", cure, "%s is a program for GPUs, and %s", dir,
               what);
    return STATUS_UNAVAILABLE;
}

Status toolkit_check(Run *run, const char *dir, const Toolkit *toolkit) {
    static const char *const headers[] = {"cuda_runtime_api.h", NULL};
    static const char *const blas[] = {"cublas_v2.h", NULL};
    const char *cure =
        "install the CUDA toolkit, 12.8 or newer, and name its folder: CUDA_ROOT=/usr/local/cuda "
        "gen build ...";
    if (!toolkit->root)
        return lacks(run, dir, "there is no CUDA toolkit", cure);
    if (!toolkit_file(run, toolkit, headers))
        return lacks(run, dir,
                     arena_printf(&run->arena,
                                  "%s holds no CUDA toolkit: cuda_runtime_api.h is not there",
                                  toolkit->root),
                     cure);
    if (!file_below(run, toolkit->blas, blas) && !toolkit_file(run, toolkit, blas))
        return lacks(
            run, dir, "there is no cuBLAS: cublas_v2.h is not found",
            "install the toolkit's cuBLAS with its headers, or name its folder: CUBLAS_ROOT=FOLDER "
            "gen build ...");
    if (made_ahead(run, dir) && !toolkit_nvcc(run, toolkit))
        return lacks(
            run, dir, arena_printf(&run->arena, "%s has no bin/nvcc", toolkit->root),
            "install nvcc there, or make the program again with --kernels nvrtc, which needs none");
    if (!toolkit_nccl(run, toolkit))
        return lacks(
            run, dir, "there is no NCCL: nccl.h is not found",
            "install NCCL, 2.19 or newer, and name its folder: NCCL_ROOT=FOLDER gen build ...");
    return STATUS_OK;
}
