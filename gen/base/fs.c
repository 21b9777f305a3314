/* fs: single files and paths; whole directories are in fs_tree.c. Texts lie in the caller's
 * arena. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file as a place, so that a message begins with its name. */
static DiagPlace place_of(Diag *diag, const char *path) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    return (DiagPlace){.source = source};
}

const char *fs_cure(int error) {
    switch (error) {
    case ENOENT:
        return "the folder that it is to lie in is not there: make it, or correct the path";
    case ENOTDIR:
        return "a part of the path is a file, not a folder";
    case EISDIR:
        return "this is a folder: name a file";
    case EACCES:
    case EPERM:
        return "you have no permission here: see ls -l, or name another place";
    case EROFS:
        return "this file system is read-only: name a place on another";
    case ENOSPC:
    case EDQUOT:
        return "the disk or your quota is full: free some space, or name a place on another";
    default:
        return NULL;
    }
}

static Status cannot_read(Diag *diag, const char *path, int error) {
    DiagPlace place = place_of(diag, path);
    if (error == ENOENT || error == ENOTDIR) {
        diag_error(diag, place, "E0901", "check the path; it is taken from the current folder",
                   "there is no such file");
        return STATUS_NOINPUT;
    }
    diag_error(diag, place, "E0902", fs_cure(error), "the file cannot be read: %s",
               strerror(error));
    return STATUS_NOINPUT;
}

/* Read at most `limit` + 1 bytes, which tells a file over the limit without trusting its size. */
static Status read_all(Arena *arena, int file, const char *path, size_t limit, char **text,
                       size_t *length, Diag *diag) {
    struct stat info;
    size_t capacity = 16 << 10, used = 0;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        capacity = (size_t)info.st_size;
    if (capacity > limit)
        capacity = limit;
    char *data = arena_alloc(arena, capacity + 2);
    for (;;) {
        ssize_t got = read(file, data + used, capacity + 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cannot_read(diag, path, errno);
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > limit)
            return diag_error(diag, place_of(diag, path), "E0903",
                              "it is probably not the file that was meant",
                              "the file is larger than the limit of %zu bytes", limit);
        if (used > capacity) {
            size_t wider = capacity * 2 > limit ? limit : capacity * 2;
            char *grown = arena_alloc(arena, wider + 2);
            memcpy(grown, data, used);
            data = grown;
            capacity = wider;
        }
    }
    data[used] = '\0';
    *text = data;
    *length = used;
    return STATUS_OK;
}

Status fs_read(Arena *arena, const char *path, size_t limit, char **text, size_t *length,
               Diag *diag) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return cannot_read(diag, path, errno);
    Status status = read_all(arena, file, path, limit, text, length, diag);
    close(file);
    return status;
}

static Status cannot_write(Diag *diag, const char *path, int error) {
    diag_error(diag, place_of(diag, path), "E0904", fs_cure(error),
               "the file cannot be written: %s", strerror(error));
    return STATUS_CANTCREAT;
}

static int write_all(int file, const char *data, size_t length) {
    while (length) {
        ssize_t put = write(file, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        length -= (size_t)put;
    }
    return fsync(file) == 0 ? 0 : errno;
}

Status fs_write(const char *path, const char *data, size_t length, Diag *diag) {
    char *sibling = arena_printf(diag->arena, "%s.tmp-%ld", path, (long)getpid());
    int file = open(sibling, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0)
        return cannot_write(diag, path, errno);
    int error = write_all(file, data, length);
    if (close(file) != 0 && !error)
        error = errno;
    if (!error && rename(sibling, path) != 0)
        error = errno;
    if (error) {
        unlink(sibling);
        return cannot_write(diag, path, error);
    }
    return STATUS_OK;
}

bool fs_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool fs_is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *fs_join(Arena *arena, const char *dir, const char *name) {
    size_t length = strlen(dir);
    const char *slash = length && dir[length - 1] == '/' ? "" : "/";
    return arena_printf(arena, "%s%s%s", dir, slash, name);
}

char *fs_program_dir(Arena *arena) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length <= 0 || length == (ssize_t)sizeof(path) - 1)
        return NULL;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    return slash ? arena_strndup(arena, path, (size_t)(slash - path)) : NULL;
}
