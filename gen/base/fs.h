/* fs: files in and out. Reads have a size limit. A directory is written whole or not at all: into a
 * temporary sibling that is renamed into place, never through symbolic links. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Read a whole file into the arena (NUL added past the end). `place` says where the name was written,
 * for the diagnostic. Errors: E0901 missing (STATUS_NOINPUT), E0902 unreadable, E0903 over `limit`. */
Status fs_read(Arena *arena, const char *path, size_t limit, char **text, size_t *length,
               Diag *diag);

/* Write one file atomically (temporary sibling, fsync, rename). STATUS_CANTCREAT on failure (E0904). */
Status fs_write(const char *path, const char *data, size_t length, Diag *diag);

/* What to do about an errno of open, read, write or rename; NULL: nothing is known. */
const char *fs_cure(int error);

bool fs_exists(const char *path);
bool fs_is_directory(const char *path);

/* dir + "/" + name, in the arena. */
char *fs_join(Arena *arena, const char *dir, const char *name);

/* A directory being written. Paths added are relative, use [A-Za-z0-9._/-] only and never "..". */
typedef struct FsTree FsTree;

/* Begin a tree that will become `path`. An existing directory is replaced only if it is empty or holds
 * the file `marker` (so that foreign files are never lost): otherwise E0905, STATUS_CANTCREAT. */
Status fs_tree_begin(FsTree **tree, Arena *arena, const char *path, const char *marker, Diag *diag);
Status fs_tree_add(FsTree *tree, const char *name, const char *data, size_t length, Diag *diag);
/* Rename into place. Files of the old tree named in `keep` (NULL-terminated; e.g. "build",
 * "weights.map") are moved over. Unchanged files keep their modification time, so that a rebuild
 * compiles only what changed. */
Status fs_tree_commit(FsTree *tree, const char *const *keep, Diag *diag);
/* Remove what was written; for cleanup paths, harmless after commit. */
void fs_tree_abort(FsTree *tree);

/* The folder of the running executable, in the arena; NULL if it cannot be told. */
char *fs_program_dir(Arena *arena);
