/* fs_tree: a directory written whole or not at all. It grows as a sibling of its final path and is
 * exchanged with it at the end. Nothing is written or removed through symbolic links: all steps go
 * by descriptors of the directories that we made. What must be removed, should the tree not be finished or
 * once it replaced another, is known by name beforehand: removing opens nothing and allocates nothing. The
 * FsTree lies in the caller's arena. */
#include "base/fs.h"

#include "base/leftover.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Something below a directory, by its name relative to that. */
typedef struct Entry {
    const char *name;
    bool is_directory;
} Entry;

typedef LIST_OF(Entry) Entries; /* a directory stands before what it holds */

struct FsTree {
    Arena *arena;
    const char *path, *sibling; /* final and temporary */
    const char *spare;          /* for an exchange where the file system offers none */
    int dir;                    /* descriptor of the sibling; -1: none */
    bool replaces;              /* a directory of ours stands at `path` */
    bool open;                  /* the sibling is there, and is ours to remove */
    Entries made;               /* below the sibling */
    Entries parents;            /* that were made for `path` */
    Leftover *leftover;
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
        diag, path, "E0904", fs_cure(error),
        arena_printf(diag->arena, "the directory cannot be written: %s", strerror(error)));
}

static void add_entry(Arena *arena, Entries *entries, const char *name, bool is_directory) {
    Entry *entry = LIST_PUSH(arena, entries);
    *entry = (Entry){arena_strdup(arena, name), is_directory};
}

static void remove_entries(int dir, const Entries *entries) {
    for (int64_t i = entries->count - 1; i >= 0; i--)
        unlinkat(dir, entries->items[i].name, entries->items[i].is_directory ? AT_REMOVEDIR : 0);
}

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_kept(const char *const *keep, const char *name) {
    for (; keep && *keep; keep++)
        if (strcmp(*keep, name) == 0)
            return true;
    return false;
}

static int list_entries(Arena *arena, int dir, const char *prefix, const char *const *keep,
                        Entries *entries);

static int list_entry(Arena *arena, int dir, const char *name, const char *path, Entries *entries) {
    struct stat info;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    add_entry(arena, entries, path, S_ISDIR(info.st_mode));
    if (!S_ISDIR(info.st_mode))
        return 0;
    int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below < 0 ? errno : list_entries(arena, below, path, NULL, entries);
}

/* All below a directory but the entries to keep; closes `dir`. Returns 0 or an errno. */
static int list_entries(Arena *arena, int dir, const char *prefix, const char *const *keep,
                        Entries *entries) {
    DIR *stream = fdopendir(dir);
    int error = stream ? 0 : errno;
    struct dirent *entry;
    while (!error && (errno = 0, entry = readdir(stream))) {
        const char *name = entry->d_name;
        if (!is_dots(name) && !is_kept(keep, name))
            error = list_entry(arena, dirfd(stream), name,
                               *prefix ? fs_join(arena, prefix, name) : name, entries);
    }
    if (!error && errno)
        error = errno;
    if (stream)
        closedir(stream);
    else
        close(dir);
    return error;
}

/* Is the directory at `path` empty? Returns 0 or an errno. */
static int is_empty(const char *path, bool *empty) {
    DIR *stream = opendir(path);
    struct dirent *entry;
    *empty = true;
    if (!stream)
        return errno;
    while ((errno = 0, entry = readdir(stream)))
        *empty = *empty && is_dots(entry->d_name);
    int error = errno;
    closedir(stream);
    return error;
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
    bool empty;
    int error = is_empty(tree->path, &empty);
    if (error)
        return system_error(diag, tree->path, error);
    if (empty)
        return STATUS_OK;
    if (lstat(fs_join(tree->arena, tree->path, marker), &info) != 0 || !S_ISREG(info.st_mode))
        return cannot_create(diag, tree->path, "E0905", help,
                             arena_printf(diag->arena,
                                          "the directory holds files that are not ours (no %s)",
                                          marker));
    return STATUS_OK;
}

static Status make_parents(FsTree *tree, Diag *diag) {
    char *copy = arena_strdup(tree->arena, tree->path);
    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!fs_exists(copy))
            add_entry(tree->arena, &tree->parents, copy, true);
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            return system_error(diag, copy, errno);
        *slash = '/';
    }
    return STATUS_OK;
}

static Status make_sibling(FsTree *tree, Diag *diag) {
    TRY(make_parents(tree, diag));
    if (mkdir(tree->sibling, 0777) != 0)
        return system_error(diag, tree->path, errno);
    tree->open = true;
    tree->dir = open(tree->sibling, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return tree->dir >= 0 ? STATUS_OK : system_error(diag, tree->path, errno);
}

/* At the end, if the process comes to it with the tree unfinished. */
static void undo(void *tree) {
    fs_tree_abort(tree);
}

Status fs_tree_begin(FsTree **out, Arena *arena, const char *path, const char *marker, Diag *diag) {
    FsTree *tree = ARENA_NEW(arena, FsTree);
    char *clean = arena_strdup(arena, path);
    for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--)
        clean[n - 1] = '\0';
    *tree = (FsTree){.arena = arena, .path = clean, .dir = -1};
    *out = tree;
    tree->sibling = arena_printf(arena, "%s.new-%ld", clean, (long)getpid());
    tree->spare = arena_printf(arena, "%s.old-%ld", clean, (long)getpid());
    TRY(check_target(tree, marker, diag));
    tree->leftover = leftover_guard(undo, tree);
    Status status = make_sibling(tree, diag);
    if (status != STATUS_OK)
        fs_tree_abort(tree);
    return status;
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
        if (mkdirat(tree->dir, copy, 0777) == 0)
            add_entry(tree->arena, &tree->made, copy, true);
        else if (errno != EEXIST)
            return system_error(diag, tree->path, errno);
        *slash = '/';
    }
    add_entry(tree->arena, &tree->made, name, false);
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
        if (is_dots(name) || fstatat(fresh, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        if (S_ISDIR(info.st_mode))
            keep_times(openat(fresh, name, flags), openat(old, name, flags));
        else
            keep_time(fresh, old, name);
    }
    if (stream)
        closedir(stream);
    else if (fresh >= 0)
        close(fresh);
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

/* Exchange the sibling and what stands at the path, in one step where the file system can. */
static int swap(const FsTree *tree) {
    const char *path = tree->path, *sibling = tree->sibling, *spare = tree->spare;
    if (renameat2(AT_FDCWD, sibling, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (rename(path, spare) != 0)
        return errno;
    int error = rename(sibling, path) != 0 ? errno : 0;
    if (error)
        rename(spare, path);
    else if (rename(spare, sibling) != 0) {
        error = errno;
        rename(path, sibling);
        rename(spare, path);
    }
    return error;
}

/* Put back what replace() changed; where that fails too, the old directory stays at the sibling's name. */
static Status put_back(FsTree *tree, int old, const char *const *keep, int cause, Diag *diag) {
    move_kept(tree->dir, old, keep);
    tree->open = swap(tree) == 0;
    if (tree->open)
        return system_error(diag, tree->path, cause);
    return cannot_create(diag, tree->path, "E0904", "remove the one that you do not need",
                         arena_printf(diag->arena,
                                      "the directory was written, but not all of the one that it "
                                      "replaces could be moved: %s; that one is now %s",
                                      strerror(cause), tree->sibling));
}

static Status replace(FsTree *tree, const char *const *keep, Diag *diag) {
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Entries gone = {0};
    int old = open(tree->path, flags), again = old < 0 ? -1 : dup(old);
    int error = again < 0 ? errno : list_entries(tree->arena, again, "", keep, &gone);
    if (!error) {
        keep_times(dup(tree->dir), dup(old));
        error = swap(tree);
    }
    if (error) {
        if (old >= 0)
            close(old);
        return system_error(diag, tree->path, error);
    }
    tree->open = false; /* what has the sibling's name now is the old one */
    error = move_kept(old, tree->dir, keep);
    Status status = error ? put_back(tree, old, keep, error, diag) : STATUS_OK;
    if (!error) {
        remove_entries(old, &gone);
        rmdir(tree->sibling);
    }
    close(old);
    return status;
}

Status fs_tree_commit(FsTree *tree, const char *const *keep, Diag *diag) {
    assert(tree->dir >= 0);
    if (tree->replaces)
        TRY(replace(tree, keep, diag));
    else if (rename(tree->sibling, tree->path) != 0)
        return system_error(diag, tree->path, errno);
    tree->open = false;
    tree->parents.count = 0;
    fs_tree_abort(tree);
    return STATUS_OK;
}

void fs_tree_abort(FsTree *tree) {
    if (!tree)
        return;
    leftover_release(tree->leftover);
    if (tree->open) {
        remove_entries(tree->dir, &tree->made);
        rmdir(tree->sibling);
        tree->open = false;
    }
    remove_entries(AT_FDCWD, &tree->parents);
    tree->parents.count = 0;
    if (tree->dir >= 0)
        close(tree->dir);
    tree->dir = -1;
}
