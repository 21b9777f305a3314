/* wire_place: where ranks meet. With a file, rank 0 listens at a port that is free and writes its addresses there, under
 * another name first; an old file is replaced, and removed by the rank 0 that wrote it, at its end. A file that a run left
 * behind which was killed leads nowhere: who reads it fails to connect or to be let in, and reads again later. */
#include "core/wire_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PORT_FIRST = 15000, /* for launches that name none: below those that systems give to clients */
    PORT_COUNT = 15000,
    FILE_MOST = 8192,
    CONNECT_MS = 1000,
};

#define FILE_MAGIC "ranks meet at"

/* --- the command line --- */

static rt_status place_named(rt_wire_place *place, const char *master, rt_error *error) {
    const char *colon = strrchr(master, ':');
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : 0;
    size_t length = colon ? (size_t)(colon - master) : 0;
    bool bracketed = length > 2 && master[0] == '[' && master[length - 1] == ']';
    if (!colon || !length || end == colon + 1 || *end || port < 1 || port > 65535 ||
        length >= sizeof place->host)
        return rt_error_set(error, RT_USAGE,
                            "--master %s: write the address and port of rank 0, such as "
                            "10.0.0.1:29500 or [fd00::1]:29500",
                            master);
    snprintf(place->host, sizeof place->host, "%.*s", (int)length - 2 * bracketed,
             master + bracketed);
    place->port = (int)port;
    return RT_OK;
}

static bool is_loopback_name(const char *host) {
    struct in6_addr six;
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           (inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six));
}

rt_status rt_wire_configure(rt_wire_config *config, const rt_options *options, const rt_seat *seat,
                            rt_error *error) {
    rt_wire_place *place = &config->place;
    *config = (rt_wire_config){.rank = (int)seat->rank, .key = rt_random_key(seat->key, 0)};
    RT_TRY(rt_secret_read(&config->secret, options->secret_file, error));
    place->file = options->rendezvous;
    place->local = seat->locals == seat->world;
    if (options->master && options->rendezvous)
        return rt_error_set(error, RT_USAGE, "give --master or --rendezvous, not both");
    if (options->master) {
        RT_TRY(place_named(place, options->master, error));
        place->local = is_loopback_name(place->host);
    } else if (!place->file) {
        snprintf(place->host, sizeof place->host, "%s", place->local ? "127.0.0.1" : seat->host);
        place->port =
            seat->port > 0 ? (int)seat->port : PORT_FIRST + (int)(config->key % PORT_COUNT);
        place->local = place->local || is_loopback_name(place->host);
        if (!*place->host)
            return rt_error_set(error, RT_USAGE,
                                "%s does not say where rank 0 is: pass --master ADDRESS:PORT, or "
                                "--rendezvous FILE on a file system of all hosts",
                                seat->launcher);
    }
    if (!config->secret.size && !place->local)
        return rt_error_set(error, RT_USAGE,
                            "ranks on several hosts need a secret, that nobody else can join them: "
                            "head -c 32 /dev/urandom | base64 >FILE, chmod 600 FILE, and pass "
                            "--secret-file FILE to all");
    return RT_OK;
}

/* --- listening --- */

static int listener_open(int family, bool loopback, int port) {
    int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    four.sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
    six.sin6_addr = loopback ? in6addr_loopback : in6addr_any;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    int bound = family == AF_INET6 ? bind(fd, (struct sockaddr *)&six, sizeof six)
                                   : bind(fd, (struct sockaddr *)&four, sizeof four);
    if (bound == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

static int port_of(int fd) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* This host's addresses, one a line: without a secret those that only itself reaches. */
static void addresses_write(FILE *file, bool loopback, int port) {
    struct ifaddrs *all = NULL;
    char text[INET6_ADDRSTRLEN];
    if (getifaddrs(&all) != 0)
        all = NULL;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
            loopback != ((i->ifa_flags & IFF_LOOPBACK) != 0))
            continue;
        int family = i->ifa_addr->sa_family;
        const void *from = NULL;
        if (family == AF_INET)
            from = &((struct sockaddr_in *)i->ifa_addr)->sin_addr;
        else if (family == AF_INET6 &&
                 !IN6_IS_ADDR_LINKLOCAL(&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr))
            from = &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
        if (from && inet_ntop(family, from, text, sizeof text))
            fprintf(file, "%s %d\n", text, port);
    }
    freeifaddrs(all);
}

static rt_status file_write(const rt_wire *wire, int port, rt_error *error) {
    const char *path = wire->config.place.file;
    char beside[4096];
    if (snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof beside)
        return rt_error_set(error, RT_CANTCREAT, "%s: the path is too long", path);
    unlink(beside);
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) {
        if (fd >= 0)
            close(fd);
        return rt_error_set(error, RT_CANTCREAT, "%s: %s", beside, strerror(errno));
    }
    fprintf(file, FILE_MAGIC " %016llx\n", (unsigned long long)wire->config.key);
    addresses_write(file, !wire->config.secret.size, port);
    bool good = fflush(file) == 0 && fsync(fd) == 0;
    good = fclose(file) == 0 && good && rename(beside, path) == 0;
    if (good)
        return RT_OK;
    int failed = errno;
    unlink(beside);
    return rt_error_set(error, RT_CANTCREAT, "%s: %s", path, strerror(failed));
}

rt_status rt_wire_listen(rt_wire *wire, rt_error *error) {
    const rt_wire_place *place = &wire->config.place;
    bool loopback = !wire->config.secret.size;
    int port = place->file ? 0 : place->port;
    int four = listener_open(AF_INET, loopback, port), failed = errno;
    if (four >= 0) {
        wire->listener[wire->listeners++] = four;
        port = port_of(four);
    }
    int six = listener_open(AF_INET6, loopback, port);
    if (six >= 0)
        wire->listener[wire->listeners++] = six;
    if (four < 0 && (six < 0 || failed == EADDRINUSE))
        return rt_error_set(error, RT_UNAVAILABLE,
                            "rank 0 cannot listen at port %d: %s; give this run another one with "
                            "--master ADDRESS:PORT, or --rendezvous FILE",
                            port, strerror(failed));
    return place->file ? file_write(wire, four >= 0 ? port : port_of(six), error) : RT_OK;
}

/* The file goes with who wrote it, if no other run has taken its place. */
void rt_wire_unlisten(rt_wire *wire) {
    const char *path = wire->config.place.file;
    char line[128], mine[128];
    FILE *file = wire->listeners && path ? fopen(path, "re") : NULL;
    int port = wire->listeners ? port_of(wire->listener[0]) : 0;
    bool same = false;
    if (file) {
        snprintf(mine, sizeof mine, " %d\n", port);
        while (fgets(line, sizeof line, file))
            same = same || (strlen(line) > strlen(mine) &&
                            strcmp(line + strlen(line) - strlen(mine), mine) == 0);
        fclose(file);
    }
    if (same)
        unlink(path);
    for (int i = 0; i < wire->listeners; ++i)
        close(wire->listener[i]);
    wire->listeners = 0;
}

/* --- connecting --- */

static int connect_to(const struct addrinfo *to, double deadline) {
    int failed = 0, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = sizeof failed;
    if (fd < 0)
        return -1;
    int result = connect(fd, to->ai_addr, to->ai_addrlen);
    if (result != 0 && errno == EINPROGRESS) {
        double left = deadline > 0 ? (deadline - rt_now()) * 1e3 : CONNECT_MS;
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        result = -1;
        if (poll(&ready, 1,
                 left < 1            ? 1
                 : left < CONNECT_MS ? (int)left
                                     : CONNECT_MS) == 1 &&
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0)
            result = 0;
        else
            errno = failed ? failed : ETIMEDOUT;
    }
    if (result == 0) {
        return fd;
    }
    failed = errno;
    close(fd);
    errno = failed;
    return -1;
}

static int connect_host(const char *host, int port, double deadline, char *why, size_t size) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[16];
    int fd = -1;
    snprintf(service, sizeof service, "%d", port);
    int failed = getaddrinfo(host, service, &hints, &list);
    if (failed) {
        snprintf(why, size, "%s port %d: %s", host, port, gai_strerror(failed));
        return -1;
    }
    for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next)
        fd = connect_to(at, deadline);
    if (fd < 0)
        snprintf(why, size, "%s port %d: %s", host, port, strerror(errno));
    freeaddrinfo(list);
    return fd;
}

/* One address of the file after the other. */
static int connect_file(const rt_wire *wire, double deadline, char *why, size_t size) {
    const char *path = wire->config.place.file;
    char text[FILE_MOST], host[INET6_ADDRSTRLEN + 1];
    struct stat info;
    int in = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), fd = -1;
    ssize_t length = -1;
    if (in >= 0 && fstat(in, &info) == 0 && S_ISREG(info.st_mode))
        length = read(in, text, sizeof text - 1);
    if (in >= 0)
        close(in);
    snprintf(why, size, "%s: %s", path, in < 0 ? "rank 0 has not written it" : "is not its file");
    if (length < 0)
        return -1;
    text[length] = 0;
    unsigned long long key;
    char *next = strchr(text, '\n');
    if (!next || sscanf(text, FILE_MAGIC " %llx", &key) != 1)
        return -1;
    if (key != wire->config.key) {
        snprintf(why, size, "%s: is of another launch", path);
        return -1;
    }
    for (int port; next && fd < 0; next = strchr(next + 1, '\n'))
        if (sscanf(next + 1, "%46s %d", host, &port) == 2 && port > 0 && port < 65536)
            fd = connect_host(host, port, deadline, why, size);
    return fd;
}

int rt_wire_connect(const rt_wire *wire, double deadline, char *why, size_t size) {
    const rt_wire_place *place = &wire->config.place;
    return place->file ? connect_file(wire, deadline, why, size)
                       : connect_host(place->host, place->port, deadline, why, size);
}

bool rt_wire_loopback(int fd) {
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    if (getpeername(fd, (struct sockaddr *)&from, &size) != 0)
        return false;
    if (from.ss_family == AF_INET)
        return (ntohl(((struct sockaddr_in *)&from)->sin_addr.s_addr) >> 24) == 127;
    return from.ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&from)->sin6_addr);
}
