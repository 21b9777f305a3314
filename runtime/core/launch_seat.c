/* launch_seat: ranks started by torchrun, mpirun or srun. They meet in a segment whose name is equal for the
 * ranks of one launch; rank 0 creates it, the last to attach removes the name, or rank 0 where the run failed before. */
#include "core/backend.h"
#include "core/launch.h"
#include "core/stream.h"
#include "core/identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SEAT_POLL_MS = 10 };

/* How long rank 0 of a run that failed leaves the segment to be found, so that ranks which come late hear of it, rather
 * than wait for a segment until their limit. */
enum { SEAT_FAREWELL_MS = 2000 };

/* What each launcher tells its ranks. `local`: which of those on this host, and how many they are, where it says so. */
static const struct {
    const char *name, *rank, *world, *local, *locals, *key[2];
} seat_table[] = {
    {"mpirun",
     "OMPI_COMM_WORLD_RANK",
     "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE",
     {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"}},
    {"mpiexec",
     "PMI_RANK",
     "PMI_SIZE",
     "MPI_LOCALRANKID",
     "MPI_LOCALNRANKS",
     {"PMI_KVSNAME", NULL}},
    {"torchrun",
     "RANK",
     "WORLD_SIZE",
     "LOCAL_RANK",
     "LOCAL_WORLD_SIZE",
     {"MASTER_PORT", "TORCHELASTIC_RUN_ID"}},
    {"srun",
     "SLURM_PROCID",
     "SLURM_NTASKS",
     "SLURM_LOCALID",
     NULL,
     {"SLURM_JOB_ID", "SLURM_STEP_ID"}},
};

static bool number_of(const char *variable, int64_t *value) {
    const char *text = variable ? getenv(variable) : NULL;
    char *end = NULL;
    if (!text || !isdigit((unsigned char)*text))
        return false;
    *value = strtoll(text, &end, 10);
    return *end == 0;
}

/* The first host of a list as srun writes them, where rank 0 is: "a[03-07,9],b" begins with a03. */
static void first_host(char *host, size_t size, const char *list) {
    size_t used = 0;
    for (; *list && *list != ',' && *list != '[' && used + 1 < size; ++list)
        host[used++] = *list;
    if (*list == '[')
        for (++list; isdigit((unsigned char)*list) && used + 1 < size; ++list)
            host[used++] = *list;
    host[used] = 0;
}

/* Where rank 0 is: as MASTER_ADDR and MASTER_PORT say, or srun's list of hosts. torchrun's agent keeps the port to itself
 * where it says so; the next one is ours then. */
static void seat_address(rt_seat *seat) {
    const char *host = getenv("MASTER_ADDR"), *agent = getenv("TORCHELASTIC_USE_AGENT_STORE");
    const char *list = getenv("SLURM_STEP_NODELIST");
    seat->port = -1;
    if (host && number_of("MASTER_PORT", &seat->port)) {
        snprintf(seat->host, sizeof seat->host, "%s", host);
        seat->port += agent && strcmp(agent, "True") == 0;
    } else if (strcmp(seat->launcher, "srun") == 0 && list) {
        first_host(seat->host, sizeof seat->host, list);
    }
}

rt_status rt_seat_find(rt_seat *seat, int world, const char *alone, rt_error *error) {
    *seat = (rt_seat){.rank = -1};
    for (size_t i = 0; i < sizeof seat_table / sizeof *seat_table; ++i) {
        if (!number_of(seat_table[i].rank, &seat->rank) ||
            !number_of(seat_table[i].world, &seat->world)) {
            seat->rank = -1;
            continue;
        }
        /* a batch script of srun's launcher is no rank: only steps are */
        if (strcmp(seat_table[i].name, "srun") == 0 && !getenv("SLURM_STEP_ID")) {
            seat->rank = -1;
            continue;
        }
        if (seat->world != world || seat->rank >= world)
            return rt_error_set(error, RT_DATA,
                                "%s started %lld ranks, this program is for %d; start %d, or pass "
                                "--transport %s to run them all here",
                                seat_table[i].name, (long long)seat->world, world, world, alone);
        const char *a = getenv(seat_table[i].key[0]);
        const char *b = seat_table[i].key[1] ? getenv(seat_table[i].key[1]) : NULL;
        seat->launcher = seat_table[i].name;
        seat->local = seat->locals = -1;
        number_of(seat_table[i].local, &seat->local);
        number_of(seat_table[i].locals, &seat->locals);
        int64_t hosts = 0;
        if (strcmp(seat_table[i].name, "srun") == 0 && number_of("SLURM_STEP_NUM_NODES", &hosts) &&
            hosts == 1)
            seat->locals = seat->world;
        seat->key_name = a ? seat_table[i].key[0] : b ? seat_table[i].key[1] : "parent process";
        snprintf(seat->key, sizeof seat->key, "%s-%s-%s", seat_table[i].name, a ? a : "",
                 b ? b : "");
        if (!a && !b)
            snprintf(seat->key, sizeof seat->key, "%s-%d", seat_table[i].name, (int)getppid());
        seat_address(seat);
        return RT_OK;
    }
    return RT_OK;
}

rt_status rt_seat_shared(const rt_seat *seat, rt_error *error) {
    if (seat->locals >= 0 && seat->locals != seat->world)
        return rt_error_set(error, RT_DATA,
                            "%s put %lld of %lld ranks on this host; shared memory needs all",
                            seat->launcher, (long long)seat->locals, (long long)seat->world);
    return RT_OK;
}

/* The same for ranks that run another program by mistake: they meet, and are told. */
static void seat_segment_name(const rt_seat *seat, char *name, size_t size) {
    uint64_t hash = rt_random_key(seat->key, 0);
    snprintf(name, size, "/ranks-%u-%016llx", (unsigned)getuid(), (unsigned long long)hash);
}

static void seat_sleep(void) {
    nanosleep(&(struct timespec){.tv_nsec = SEAT_POLL_MS * 1000000}, NULL);
}

/* Whether whoever made the segment lives: else it is left by a run that was killed. */
static bool seat_alive(int fd, bool *whole, int64_t total) {
    struct stat info;
    rt_header *header = mmap(NULL, sizeof *header, PROT_READ, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED || fstat(fd, &info) != 0)
        return false;
    bool alive = kill(header->launcher, 0) == 0 || errno == EPERM;
    *whole = info.st_size == total;
    munmap(header, sizeof *header);
    return alive;
}

/* The segment under that name, if its creator lives and has made it ready; *fd -1: not yet. */
static rt_status seat_open(const rt_segment *segment, const rt_seat *seat, const char *name,
                           int *fd, rt_error *error) {
    bool ready = false, whole = false;
    struct stat info;
    rt_status status = RT_OK;
    *fd = shm_open(name, O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0 && fstat(*fd, &info) == 0 && info.st_size >= (off_t)sizeof(rt_header) &&
        seat_alive(*fd, &whole, segment->total))
        status = rt_identity_check(segment->program, *fd, (int)seat->rank, &ready, error);
    if (*fd >= 0 && !(status == RT_OK && ready && whole)) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

/* Rank 0 holds a lock on the segment as long as it lives: one without is left by a run that was killed. */
static rt_status seat_create(const rt_seat *seat, const char *name, int *fd, rt_error *error) {
    int old = shm_open(name, O_RDWR | O_CLOEXEC, 0600);
    bool used = old >= 0 && flock(old, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (old >= 0 && !used)
        shm_unlink(name);
    if (old >= 0)
        close(old);
    if (used)
        return rt_error_set(error, RT_UNAVAILABLE,
                            "shared memory %s is in use: another run of this program is starting "
                            "with the same %s; give each launch its own",
                            name, seat->key_name);
    *fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        int failed = errno;
        if (*fd >= 0)
            close(*fd);
        return rt_error_set(error, RT_UNAVAILABLE, "shared memory %s: %s", name, strerror(failed));
    }
    return RT_OK;
}

/* `lock`: a descriptor that rank 0 keeps open to the end, -1 in others. */
static rt_status seat_attach(rt_segment *segment, const rt_seat *seat, const char *name, int *lock,
                             rt_error *error) {
    int64_t limit = segment->job->options->load_timeout_ms;
    double begin = rt_now();
    int fd = -1;
    if (seat->rank == 0)
        RT_TRY(seat_create(seat, name, &fd, error));
    while (fd < 0) {
        RT_TRY(seat_open(segment, seat, name, &fd, error));
        if (fd < 0 && limit && (rt_now() - begin) * 1e3 > (double)limit)
            return rt_error_set(error, RT_TIMEOUT,
                                "rank 0 made no shared memory of this run's size in %lld ms; is it "
                                "started, and with the same arguments?",
                                (long long)limit);
        if (fd < 0)
            seat_sleep();
    }
    rt_status status = rt_segment_map(segment, fd, seat->rank == 0, error);
    if (status != RT_OK && seat->rank == 0)
        shm_unlink(name);
    if (status == RT_OK && seat->rank == 0)
        *lock = fd;
    else
        close(fd);
    return status;
}

/* After a failure some may never come. The name is rank 0's to remove, or anybody's if rank 0 is no more. */
static void seat_leave(const rt_segment *segment, const rt_seat *seat, const char *name) {
    rt_word *attached = &rt_segment_header(segment)->attached;
    double begin = rt_now();
    if (seat->rank == 0) {
        while (rt_word_count(atomic_load(attached)) < (uint32_t)seat->world &&
               (rt_now() - begin) * 1e3 < SEAT_FAREWELL_MS)
            seat_sleep();
        shm_unlink(name);
        return;
    }
    int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        shm_unlink(name);
    if (fd >= 0)
        close(fd);
}

static rt_status seat_run(rt_segment *segment, const rt_seat *seat, const char *name,
                          rt_error *error) {
    uint32_t attached = rt_word_add(&rt_segment_header(segment)->attached);
    if (attached == (uint32_t)seat->world)
        shm_unlink(name);
    rt_backend_limit((int)seat->world);
    rt_status status = rt_launch_rank(segment, (int)seat->rank);
    if (status == RT_OK)
        return RT_OK;
    seat_leave(segment, seat, name);
    if (atomic_load(&rt_segment_header(segment)->failed) == seat->rank + 1)
        return rt_launch_failure(segment, error);
    return RT_ABORTED; /* the first to fail tells why */
}

rt_status rt_launch_seat(rt_segment *segment, const rt_seat *seat, rt_error *error) {
    char name[128];
    int lock = -1;
    seat_segment_name(seat, name, sizeof name);
    rt_status status = seat_attach(segment, seat, name, &lock, error);
    if (status == RT_OK && seat->rank == 0)
        status = rt_stream_begin(segment, error);
    if (status == RT_OK)
        status = seat_run(segment, seat, name, error);
    if (lock >= 0)
        close(lock);
    return status;
}
