/* calls: the intercepted functions. Each asks site_fails, and else calls the next definition. Buffered writes
 * that fail set the error mark of their stream, as the C library would; stderr never fails, for there the
 * message goes. Closing and unmapping are done and then told as failed, as the kernel does. */
#include "site.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)

/* The next definition of the function `name`, as `real`. */
#define REAL(name)                                                                                 \
    static __typeof__(&name) real;                                                                 \
    if (!real)                                                                                     \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);

/* A function that fails with `failed` and errno `error`. */
#define CALL(result, name, class, error, failed, parameters, arguments)                            \
    result name parameters {                                                                       \
        REAL(name)                                                                                 \
        if (site_fails(class, #name, CALLER)) {                                                    \
            errno = error;                                                                         \
            return failed;                                                                         \
        }                                                                                          \
        return real arguments;                                                                     \
    }

/* --- memory -------------------------------------------------------------------------------------------------- */

/* What is allocated before the libraries are ready, or by dlsym until it has named the allocator, comes from
 * here and is never given back. A sanitizer's allocator must not be called before it is ready. */
static _Alignas(16) char early[1 << 20];
static size_t early_used;
static bool ready, resolving; /* both are settled before there are threads */

__attribute__((constructor)) static void begin(void) {
    ready = true;
}

static bool is_early(const void *memory) {
    return (const char *)memory >= early && (const char *)memory < early + sizeof early;
}

static void *early_alloc(size_t size) {
    char *memory = early + early_used;
    early_used += (size + 15) / 16 * 16;
    if (early_used > sizeof early)
        abort();
    return memory;
}

#define REAL_MEMORY(name)                                                                          \
    static __typeof__(&name) real;                                                                 \
    if (!real && ready && !resolving) {                                                            \
        resolving = true;                                                                          \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                         \
        resolving = false;                                                                         \
    }

void *malloc(size_t size) {
    REAL_MEMORY(malloc)
    if (!real)
        return early_alloc(size);
    if (site_fails(INJECT_MEMORY, "malloc", CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return real(size);
}

void *calloc(size_t count, size_t size) {
    REAL_MEMORY(calloc)
    if (!real)
        return early_alloc(count * size);
    if (site_fails(INJECT_MEMORY, "calloc", CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return real(count, size);
}

void *realloc(void *memory, size_t size) {
    REAL_MEMORY(realloc)
    if (!real || is_early(memory)) {
        void *moved = malloc(size);
        size_t left = memory ? (size_t)(early + sizeof early - (char *)memory) : 0;
        return moved && left ? memcpy(moved, memory, size < left ? size : left) : moved;
    }
    if (site_fails(INJECT_MEMORY, "realloc", CALLER)) {
        errno = ENOMEM;
        return NULL;
    }
    return real(memory, size);
}

void free(void *memory) {
    REAL_MEMORY(free)
    if (real && !is_early(memory))
        real(memory);
}

CALL(void *, aligned_alloc, INJECT_MEMORY, ENOMEM, NULL, (size_t align, size_t size), (align, size))
CALL(int, posix_memalign, INJECT_MEMORY, errno, ENOMEM, (void **at, size_t align, size_t size),
     (at, align, size))
CALL(char *, strdup, INJECT_MEMORY, ENOMEM, NULL, (const char *text), (text))
CALL(char *, strndup, INJECT_MEMORY, ENOMEM, NULL, (const char *text, size_t n), (text, n))
CALL(char *, realpath, INJECT_MEMORY, ENOMEM, NULL, (const char *path, char *full), (path, full))

/* --- opening ------------------------------------------------------------------------------------------------- */

int open(const char *path, int flags, ...) {
    REAL(open)
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (site_fails(INJECT_OPEN, "open", CALLER)) {
        errno = EMFILE;
        return -1;
    }
    return real(path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...) {
    REAL(openat)
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (site_fails(INJECT_OPEN, "openat", CALLER)) {
        errno = EMFILE;
        return -1;
    }
    return real(dir, path, flags, mode);
}

CALL(int, creat, INJECT_OPEN, EMFILE, -1, (const char *path, mode_t mode), (path, mode))
CALL(FILE *, fopen, INJECT_OPEN, EMFILE, NULL, (const char *path, const char *mode), (path, mode))
CALL(FILE *, fdopen, INJECT_OPEN, ENOMEM, NULL, (int file, const char *mode), (file, mode))
CALL(DIR *, opendir, INJECT_OPEN, EMFILE, NULL, (const char *path), (path))
CALL(DIR *, fdopendir, INJECT_OPEN, ENOMEM, NULL, (int file), (file))
CALL(int, memfd_create, INJECT_OPEN, EMFILE, -1, (const char *name, unsigned flags), (name, flags))
CALL(int, shm_open, INJECT_OPEN, EMFILE, -1, (const char *name, int flags, mode_t mode),
     (name, flags, mode))
CALL(int, dup, INJECT_OPEN, EMFILE, -1, (int file), (file))
CALL(int, dup2, INJECT_OPEN, EMFILE, -1, (int file, int to), (file, to))
CALL(int, pipe, INJECT_OPEN, EMFILE, -1, (int ends[2]), (ends))
CALL(int, pipe2, INJECT_OPEN, EMFILE, -1, (int ends[2], int flags), (ends, flags))

/* --- reading ------------------------------------------------------------------------------------------------- */

static int mark(FILE *file) {
    file->_flags |= 0x20; /* the C library's _IO_ERR_SEEN */
    return EIO;
}

CALL(ssize_t, read, INJECT_READ, EIO, -1, (int file, void *data, size_t size), (file, data, size))
CALL(ssize_t, pread, INJECT_READ, EIO, -1, (int file, void *data, size_t size, off_t at),
     (file, data, size, at))
CALL(size_t, fread, INJECT_READ, mark(file), 0, (void *data, size_t size, size_t n, FILE *file),
     (data, size, n, file))
CALL(char *, fgets, INJECT_READ, mark(file), NULL, (char *text, int size, FILE *file),
     (text, size, file))
CALL(int, fstat, INJECT_READ, EIO, -1, (int file, struct stat *info), (file, info))
CALL(struct dirent *, readdir, INJECT_READ, EIO, NULL, (DIR * dir), (dir))
CALL(ssize_t, readlink, INJECT_READ, EIO, -1, (const char *path, char *text, size_t size),
     (path, text, size))

/* --- writing ------------------------------------------------------------------------------------------------- */

static int mark_full(FILE *file) {
    mark(file);
    return ENOSPC;
}

#define WRITES(file, name) ((file) != stderr && site_fails(INJECT_WRITE, name, CALLER))

ssize_t write(int file, const void *data, size_t size) {
    REAL(write)
    if (file != STDERR_FILENO && site_fails(INJECT_WRITE, "write", CALLER)) {
        errno = ENOSPC;
        return -1;
    }
    return real(file, data, size);
}

#define STREAM_CALL(result, name, failed, parameters, arguments)                                   \
    result name parameters {                                                                       \
        REAL(name)                                                                                 \
        if (WRITES(file, #name)) {                                                                 \
            errno = mark_full(file);                                                               \
            return failed;                                                                         \
        }                                                                                          \
        return real arguments;                                                                     \
    }

STREAM_CALL(size_t, fwrite, 0, (const void *data, size_t size, size_t n, FILE *file),
            (data, size, n, file))
STREAM_CALL(int, fputs, EOF, (const char *text, FILE *file), (text, file))
STREAM_CALL(int, fputc, EOF, (int c, FILE *file), (c, file))
STREAM_CALL(int, vfprintf, -1, (FILE * file, const char *format, va_list list),
            (file, format, list))

int fflush(FILE *file) {
    REAL(fflush)
    if (file && WRITES(file, "fflush")) {
        errno = mark_full(file);
        return EOF;
    }
    return real(file);
}

int putchar(int c) {
    REAL(putchar)
    if (WRITES(stdout, "putchar")) {
        errno = mark_full(stdout);
        return EOF;
    }
    return real(c);
}

int puts(const char *text) {
    REAL(puts)
    if (WRITES(stdout, "puts")) {
        errno = mark_full(stdout);
        return EOF;
    }
    return real(text);
}

static int print(FILE *file, const char *format, va_list list) {
    static __typeof__(&vfprintf) real;
    if (!real)
        real = (__typeof__(&vfprintf))dlsym(RTLD_NEXT, "vfprintf");
    return real(file, format, list);
}

int fprintf(FILE *file, const char *format, ...) {
    if (WRITES(file, "fprintf")) {
        errno = mark_full(file);
        return -1;
    }
    va_list list;
    va_start(list, format);
    int length = print(file, format, list);
    va_end(list);
    return length;
}

int printf(const char *format, ...) {
    if (WRITES(stdout, "printf")) {
        errno = mark_full(stdout);
        return -1;
    }
    va_list list;
    va_start(list, format);
    int length = print(stdout, format, list);
    va_end(list);
    return length;
}

int close(int file) {
    REAL(close)
    bool fails = site_fails(INJECT_WRITE, "close", CALLER);
    int status = real(file);
    if (fails)
        errno = EIO;
    return fails ? -1 : status;
}

int fclose(FILE *file) {
    REAL(fclose)
    bool fails = site_fails(INJECT_WRITE, "fclose", CALLER);
    int status = real(file);
    if (fails)
        errno = ENOSPC;
    return fails ? EOF : status;
}

CALL(ssize_t, pwrite, INJECT_WRITE, ENOSPC, -1, (int file, const void *data, size_t n, off_t at),
     (file, data, n, at))
CALL(int, fsync, INJECT_WRITE, EIO, -1, (int file), (file))
CALL(int, ftruncate, INJECT_WRITE, ENOSPC, -1, (int file, off_t size), (file, size))
CALL(int, rename, INJECT_WRITE, ENOSPC, -1, (const char *from, const char *to), (from, to))
CALL(int, renameat, INJECT_WRITE, ENOSPC, -1, (int a, const char *from, int b, const char *to),
     (a, from, b, to))
CALL(int, renameat2, INJECT_WRITE, ENOSPC, -1,
     (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags))
CALL(int, linkat, INJECT_WRITE, ENOSPC, -1,
     (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
CALL(int, mkdir, INJECT_WRITE, ENOSPC, -1, (const char *path, mode_t mode), (path, mode))
CALL(int, mkdirat, INJECT_WRITE, ENOSPC, -1, (int dir, const char *path, mode_t mode),
     (dir, path, mode))
CALL(char *, mkdtemp, INJECT_WRITE, ENOSPC, NULL, (char *path), (path))

/* --- mapping ------------------------------------------------------------------------------------------------- */

CALL(void *, mmap, INJECT_MAP, ENOMEM, MAP_FAILED,
     (void *at, size_t size, int access, int flags, int file, off_t from),
     (at, size, access, flags, file, from))

int munmap(void *memory, size_t size) {
    REAL(munmap)
    bool fails = site_fails(INJECT_MAP, "munmap", CALLER);
    int status = real(memory, size);
    if (fails)
        errno = ENOMEM;
    return fails ? -1 : status;
}

/* --- processes and threads ------------------------------------------------------------------------------------ */

CALL(pid_t, fork, INJECT_SPAWN, EAGAIN, -1, (void), ())
CALL(int, posix_spawn, INJECT_SPAWN, errno, EAGAIN,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]),
     (pid, path, actions, attributes, argv, environment))
CALL(int, execvp, INJECT_SPAWN, EACCES, -1, (const char *path, char *const argv[]), (path, argv))
CALL(int, execv, INJECT_SPAWN, EACCES, -1, (const char *path, char *const argv[]), (path, argv))
CALL(int, pthread_create, INJECT_SPAWN, errno, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data),
     (thread, attributes, run, data))

/* A wait that fails without having waited would leave a process that nobody can reap: only interrupted. */
pid_t waitpid(pid_t pid, int *status, int options) {
    REAL(waitpid)
    if (!site_for_good() && site_fails(INJECT_WAIT, "waitpid", CALLER)) {
        errno = EINTR;
        return -1;
    }
    return real(pid, status, options);
}

/* --- waiting -------------------------------------------------------------------------------------------------- */

int poll(struct pollfd *files, nfds_t count, int limit) {
    REAL(poll)
    if (site_fails(INJECT_WAIT, "poll", CALLER)) {
        errno = site_for_good() ? ENOMEM : EINTR;
        return -1;
    }
    return real(files, count, limit);
}

long syscall(long number, ...) {
    REAL(syscall)
    va_list list;
    va_start(list, number);
    long a[6];
    for (int i = 0; i < 6; ++i)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex && site_fails(INJECT_WAIT, "futex", CALLER)) {
        errno = site_for_good() ? ENOSYS : EINTR;
        return -1;
    }
    if (number == SYS_pidfd_open && site_fails(INJECT_SPAWN, "pidfd_open", CALLER)) {
        errno = EMFILE;
        return -1;
    }
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- sockets -------------------------------------------------------------------------------------------------- */

CALL(int, socket, INJECT_SOCKET, EMFILE, -1, (int domain, int type, int protocol),
     (domain, type, protocol))
CALL(int, bind, INJECT_SOCKET, EADDRINUSE, -1, (int file, const struct sockaddr *at, socklen_t n),
     (file, at, n))
CALL(int, listen, INJECT_SOCKET, EADDRINUSE, -1, (int file, int backlog), (file, backlog))
CALL(int, accept, INJECT_SOCKET, EMFILE, -1, (int file, struct sockaddr *at, socklen_t *n),
     (file, at, n))
CALL(int, connect, INJECT_SOCKET, ECONNREFUSED, -1,
     (int file, const struct sockaddr *at, socklen_t n), (file, at, n))
