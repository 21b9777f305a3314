/* cache: see cache.h. An entry is a header and its data; it is written under a name of its own and then renamed. */
#include "cuda/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRY_MOST = 1 << 30 /* bytes; more is damage */ };

typedef struct CacheHeader {
    char magic[8];
    uint64_t bytes;
    unsigned char key[RT_SHA256_BYTES], sum[RT_SHA256_BYTES];
} CacheHeader;

static const char MAGIC[8] = "TSCUBIN1";

bool rt_cache_folder(char folder[RT_CACHE_PATH]) {
    const char *own = getenv("RT_CUDA_CACHE"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length = -1;
    if (own)
        length = *own ? snprintf(folder, RT_CACHE_PATH, "%s", own) : -1;
    else if (cache && *cache)
        length = snprintf(folder, RT_CACHE_PATH, "%s/toposmith", cache);
    else if (home && *home)
        length = snprintf(folder, RT_CACHE_PATH, "%s/.cache/toposmith", home);
    return length >= 0 && length < RT_CACHE_PATH;
}

bool rt_cache_path(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                   char path[RT_CACHE_PATH]) {
    char name[2 * RT_SHA256_BYTES + 1];
    for (int i = 0; i < RT_SHA256_BYTES; ++i)
        snprintf(name + 2 * i, 3, "%02x", key[i]);
    int length = snprintf(path, RT_CACHE_PATH, "%s/%s.cubin", folder, name);
    return length >= 0 && length < RT_CACHE_PATH;
}

static CacheHeader header_of(const unsigned char *key, const void *data, size_t bytes) {
    CacheHeader header = {.bytes = bytes};
    rt_sha256 sha;
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    memcpy(header.key, key, RT_SHA256_BYTES);
    rt_sha256_begin(&sha);
    rt_sha256_add(&sha, data, bytes);
    rt_sha256_end(&sha, header.sum);
    return header;
}

/* Entry under `file`, which stands at its begin. */
static bool read_entry(FILE *file, const unsigned char *key, char **data, size_t *bytes) {
    CacheHeader header, right;
    if (fread(&header, sizeof header, 1, file) != 1 || header.bytes > ENTRY_MOST)
        return false;
    *bytes = (size_t)header.bytes;
    if (!(*data = malloc(*bytes + 1)))
        return false;
    (*data)[*bytes] = 0;
    if (fread(*data, 1, *bytes, file) != *bytes || fgetc(file) != EOF)
        return false;
    right = header_of(key, *data, *bytes);
    return memcmp(&header, &right, sizeof header) == 0;
}

rt_cache_state rt_cache_read(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                             char **data, size_t *bytes) {
    char path[RT_CACHE_PATH];
    *data = NULL;
    *bytes = 0;
    FILE *file = rt_cache_path(folder, key, path) ? fopen(path, "rbe") : NULL;
    if (!file)
        return RT_CACHE_ABSENT;
    bool whole = read_entry(file, key, data, bytes);
    fclose(file);
    if (whole)
        return RT_CACHE_FOUND;
    free(*data);
    *data = NULL;
    return RT_CACHE_DAMAGED;
}

/* The folder and those above it, for this user alone. */
static bool make_folder(const char *folder) {
    char path[RT_CACHE_PATH];
    snprintf(path, sizeof path, "%s", folder);
    for (char *at = path + 1; *at; ++at) {
        if (*at != '/')
            continue;
        *at = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool write_all(int fd, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes > 0) {
        ssize_t done = write(fd, at, bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        bytes -= (size_t)done;
    }
    return true;
}

rt_status rt_cache_write(const char *folder, const unsigned char key[RT_SHA256_BYTES],
                         const void *data, size_t bytes, rt_error *error) {
    char path[RT_CACHE_PATH], part[RT_CACHE_PATH];
    CacheHeader header = header_of(key, data, bytes);
    if (!rt_cache_path(folder, key, path) ||
        snprintf(part, sizeof part, "%s/part-XXXXXX", folder) >= RT_CACHE_PATH)
        return rt_error_set(error, RT_CANTCREAT, "%s: the path is too long", folder);
    int fd = make_folder(folder) ? mkostemp(part, O_CLOEXEC) : -1;
    if (fd < 0)
        return rt_error_set(error, RT_CANTCREAT, "%s: %s", folder, strerror(errno));
    bool good = write_all(fd, &header, sizeof header) && write_all(fd, data, bytes);
    int cause = errno;
    if (close(fd) != 0 && good) { /* where writing late fails, as over a network */
        cause = errno;
        good = false;
    }
    if (good && rename(part, path) == 0)
        return RT_OK;
    cause = good ? errno : cause;
    unlink(part);
    return rt_error_set(error, RT_CANTCREAT, "%s: %s", path, strerror(cause));
}
