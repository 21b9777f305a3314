/* file: see file.h. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_PATH = 4096, FILE_LINKS = 8 /* attempts, when others write the same file */ };

static bool beside(const char *path, char *text) {
    return snprintf(text, FILE_PATH, "%s.part", path) < FILE_PATH;
}

/* A file of the folder of `path` without a name; -1: cannot be. */
static int nameless(const char *path) {
    char folder[FILE_PATH] = ".";
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (length >= sizeof folder)
        return -1;
    if (length) {
        memcpy(folder, path, length);
        folder[length] = 0;
    }
    return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

rt_status rt_file_create(rt_file *file, const char *path, rt_error *error) {
    struct stat info;
    char name[FILE_PATH];
    *file = (rt_file){.path = path, .way = RT_FILE_IN_PLACE};
    bool there = stat(path, &info) == 0;
    if (!there || S_ISREG(info.st_mode)) {
        int fd = nameless(path);
        file->way = fd >= 0 ? RT_FILE_NAMELESS : RT_FILE_BESIDE;
        if (fd >= 0 && !(file->stream = fdopen(fd, "wb")))
            close(fd);
    }
    if (file->way == RT_FILE_BESIDE && !beside(path, name))
        return rt_error_set(error, RT_CANTCREAT, "%s: the path is too long", path);
    if (file->way != RT_FILE_NAMELESS)
        file->stream = fopen(file->way == RT_FILE_BESIDE ? name : path, "wb");
    if (!file->stream)
        return rt_error_set(error, RT_CANTCREAT, "%s: %s", path, strerror(errno));
    return RT_OK;
}

/* A link replaces nothing: what has the name goes first, so that no instant leaves a name of ours behind. */
static bool file_name(const rt_file *file) {
    char source[64], name[FILE_PATH];
    if (file->way == RT_FILE_IN_PLACE)
        return true;
    if (file->way == RT_FILE_BESIDE)
        return beside(file->path, name) && rename(name, file->path) == 0;
    snprintf(source, sizeof source, "/proc/self/fd/%d", fileno(file->stream));
    for (int i = 0; i < FILE_LINKS; ++i) {
        if (linkat(AT_FDCWD, source, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST || (unlink(file->path) != 0 && errno != ENOENT))
            return false;
    }
    return false;
}

rt_status rt_file_finish(rt_file *file, bool good, rt_error *error) {
    char name[FILE_PATH];
    errno = good ? 0 : errno;
    good = good && fflush(file->stream) == 0 && !ferror(file->stream) && file_name(file);
    int cause = errno;
    if (fclose(file->stream) != 0 && good) {
        cause = errno;
        good = false;
        if (file->way != RT_FILE_IN_PLACE)
            unlink(file->path);
    }
    file->stream = NULL;
    if (good)
        return RT_OK;
    if (file->way == RT_FILE_BESIDE && beside(file->path, name))
        unlink(name);
    return rt_error_set(error, RT_CANTCREAT, "%s: %s", file->path,
                        cause ? strerror(cause) : "cannot write");
}
