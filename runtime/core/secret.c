/* secret: see secret.h. The mode is asked of the open file, so that no other takes its place between. */
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rt_status check(const char *path, const struct stat *info, rt_error *error) {
    if (!S_ISREG(info->st_mode))
        return rt_error_set(error, RT_DATA, "the secret %s is no regular file", path);
    if (info->st_uid != geteuid() && info->st_uid != 0)
        return rt_error_set(error, RT_DATA,
                            "the secret %s belongs to user %u, this process to user %u; give each "
                            "user a file of his own",
                            path, (unsigned)info->st_uid, (unsigned)geteuid());
    if (info->st_mode & 077)
        return rt_error_set(error, RT_DATA,
                            "the secret %s may be read or written by others (mode %04o): chmod 600 "
                            "%s, and write another secret",
                            path, (unsigned)(info->st_mode & 07777), path);
    if (info->st_size > RT_SECRET_MOST)
        return rt_error_set(error, RT_DATA, "the secret %s has %lld bytes, at most %d are read",
                            path, (long long)info->st_size, RT_SECRET_MOST);
    return RT_OK;
}

static bool is_blank(unsigned char byte) {
    return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

rt_status rt_secret_read(rt_secret *secret, const char *path, rt_error *error) {
    struct stat info;
    secret->size = 0;
    path = path ? path : getenv("RT_SECRET_FILE");
    if (!path || !*path)
        return RT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        rt_status status = rt_error_set(error, errno == ENOENT ? RT_NOINPUT : RT_DATA,
                                        "the secret %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    rt_status status = check(path, &info, error);
    ssize_t got = status == RT_OK ? read(fd, secret->data, sizeof secret->data) : 0;
    if (got < 0)
        status = rt_error_set(error, RT_DATA, "the secret %s: %s", path, strerror(errno));
    close(fd);
    while (got > 0 && is_blank(secret->data[got - 1]))
        --got;
    if (status == RT_OK && got < RT_SECRET_LEAST)
        status = rt_error_set(error, RT_DATA,
                              "the secret %s has %lld bytes, at least %d are needed: head -c 32 "
                              "/dev/urandom | base64 >%s",
                              path, (long long)got, RT_SECRET_LEAST, path);
    secret->size = status == RT_OK ? (size_t)got : 0;
    return status;
}
