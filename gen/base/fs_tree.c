/* fs_tree: a directory written whole or not at all. It grows as a sibling of its final path and is
 * exchanged with it at the end. Nothing is written or removed through symbolic links: all steps go
 * by descriptors of the directories that we made. The FsTree lies in the caller's arena. */
#include "base/fs.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct FsTree {
    Arena *arena;
    const char *path, *sibling; /* final and temporary */
    const char *old;            /* where the replaced tree goes before it is removed */
    int dir;                    /* descriptor of the sibling; -1 once committed or aborted */
    bool replaces;              /* a directory of ours stands at `path` */
};

static Status cannot_create(Diag *diag, const char *path, const char *code, const char *help,
                            const char *cause) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    diag_error(diag, (DiagPlace){.source = source}, code, help, "%s", cause);
    return STATUS_CANTCREAT;
}

static Status system_error(Diag *diag, const char *path, int error) {
    return cannot_create(
        diag, path, "E0904", NULL,
        arena_printf(diag->arena, "the directory cannot be written: %s", strerror(error)));
}

/* Remove all below the directory `name` of `parent`, then the directory; links are unlinked. */
static void remove_tree(int parent, const char *name) {
    int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = dir >= 0 ? fdopendir(dir) : NULL;
    if (!stream) {
        if (dir >= 0)
            close(dir);
        unlinkat(parent, name, 0);
        return;
    }
    for (struct dirent *entry; (entry = readdir(stream));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dir, entry->d_name, 0) != 0)
            remove_tree(dir, entry->d_name);
    }
    closedir(stream);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static bool is_empty(const char *path) {
    DIR *stream = opendir(path);
    bool empty = stream != NULL;
    for (struct dirent *entry; stream && (entry = readdir(stream));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            empty = false;
    if (stream)
        closedir(stream);
    return empty;
}

/* What stands at the path may be replaced: nothing, an empty directory, or one with the marker. */
static Status check_target(FsTree *tree, const char *marker, Diag *diag) {
    struct stat info;
    if (lstat(tree->path, &info) != 0)
        return errno == ENOENT ? STATUS_OK : system_error(diag, tree->path, errno);
    const char *help = "name another directory, or remove this one yourself";
    if (!S_ISDIR(info.st_mode))
        return cannot_create(diag, tree->path, "E0905", help, "this is not a directory");
    tree->replaces = true;
    if (is_empty(tree->path))
        return STATUS_OK;
    if (lstat(fs_join(tree->arena, tree->path, marker), &info) != 0 || !S_ISREG(info.st_mode))
        return cannot_create(diag, tree->path, "E0905", help,
                             arena_printf(diag->arena,
                                          "the directory holds files that are not ours (no %s)",
                                          marker));
    return STATUS_OK;
}

static Status make_parents(Arena *arena, const char *path, Diag *diag) {
    char *copy = arena_strdup(arena, path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return system_error(diag, copy, errno);
        *slash = '/';
    }
    return STATUS_OK;
}

Status fs_tree_begin(FsTree **out, Arena *arena, const char *path, const char *marker, Diag *diag) {
    FsTree *tree = ARENA_NEW(arena, FsTree);
    char *clean = arena_strdup(arena, path);
    for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
        clean[n - 1] = '\0';
    *tree = (FsTree){.arena = arena, .path = clean, .dir = -1};
    *out = tree;
    TRY(check_target(tree, marker, diag));
    TRY(make_parents(arena, clean, diag));
    tree->sibling = arena_printf(arena, "%s.new-%ld", clean, (long)getpid());
    tree->old = arena_printf(arena, "%s.old-%ld", clean, (long)getpid());
    if (mkdir(tree->sibling, 0777) != 0)
        return system_error(diag, tree->path, errno);
    tree->dir = open(tree->sibling, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return tree->dir >= 0 ? STATUS_OK : system_error(diag, tree->path, errno);
}

/* Names are ours, never a user's: a bad one is a bug. */
static bool name_is_safe(const char *name) {
    if (!*name || *name == '/' || strstr(name, ".."))
        return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._/-", *c))
            return false;
    return true;
}

Status fs_tree_add(FsTree *tree, const char *name, const char *data, size_t length, Diag *diag) {
    if (!name_is_safe(name)) {
        assert(!"names of emitted files are ours");
        return STATUS_SOFTWARE;
    }
    char *copy = arena_strdup(tree->arena, name);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(tree->dir, copy, 0777) != 0 && errno != EEXIST)
            return system_error(diag, tree->path, errno);
        *slash = '/';
    }
    int file = openat(tree->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0)
        return system_error(diag, tree->path, errno);
    int error = 0;
    while (length && !error) {
        ssize_t put = write(file, data, length);
        if (put >= 0) {
            data += put;
            length -= (size_t)put;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (close(file) != 0 && !error)
        error = errno;
    return error ? system_error(diag, tree->path, error) : STATUS_OK;
}

static bool same_bytes(int a, int b) {
    char left[16 << 10], right[16 << 10];
    for (;;) {
        ssize_t n = read(a, left, sizeof(left)), m = read(b, right, sizeof(right));
        if (n != m || n < 0 || memcmp(left, right, (size_t)n) != 0)
            return false;
        if (n == 0)
            return true;
    }
}

/* Give the new file the time of an equal old one. */
static void keep_time(int fresh, int old, const char *name) {
    struct stat info;
    int a = openat(fresh, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int b = openat(old, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (a >= 0 && b >= 0 && fstat(b, &info) == 0 && S_ISREG(info.st_mode) && same_bytes(a, b))
        futimens(a, (struct timespec[2]){info.st_atim, info.st_mtim});
    if (a >= 0)
        close(a);
    if (b >= 0)
        close(b);
}

/* For all files below the directory `fresh`, against the same names below `old`; closes both. */
static void keep_times(int fresh, int old) {
    DIR *stream = fdopendir(fresh);
    for (struct dirent *entry; stream && old >= 0 && (entry = readdir(stream));) {
        struct stat info;
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            fstatat(fresh, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        if (S_ISDIR(info.st_mode))
            keep_times(openat(fresh, name, flags), openat(old, name, flags));
        else
            keep_time(fresh, old, name);
    }
    if (stream)
        closedir(stream);
    if (old >= 0)
        close(old);
}

/* Move the kept entries from the old tree into the new one, or back again. */
static int move_kept(int from, int to, const char *const *keep) {
    for (; keep && *keep; keep++)
        if (renameat(from, *keep, to, *keep) != 0 && errno != ENOENT)
            return errno;
    return 0;
}

static Status replace(FsTree *tree, const char *const *keep, Diag *diag) {
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int old = open(tree->path, flags);
    if (old < 0)
        return system_error(diag, tree->path, errno);
    keep_times(dup(tree->dir), dup(old));
    int error = move_kept(old, tree->dir, keep);
    if (!error && rename(tree->path, tree->old) != 0)
        error = errno;
    if (!error && rename(tree->sibling, tree->path) != 0) {
        error = errno;
        rename(tree->old, tree->path);
    }
    if (error)
        move_kept(tree->dir, old, keep);
    close(old);
    if (error)
        return system_error(diag, tree->path, error);
    remove_tree(AT_FDCWD, tree->old);
    return STATUS_OK;
}

Status fs_tree_commit(FsTree *tree, const char *const *keep, Diag *diag) {
    assert(tree->dir >= 0);
    if (tree->replaces)
        TRY(replace(tree, keep, diag));
    else if (rename(tree->sibling, tree->path) != 0)
        return system_error(diag, tree->path, errno);
    close(tree->dir);
    tree->dir = -1;
    return STATUS_OK;
}

void fs_tree_abort(FsTree *tree) {
    if (!tree || tree->dir < 0)
        return;
    close(tree->dir);
    tree->dir = -1;
    remove_tree(AT_FDCWD, tree->sibling);
}
