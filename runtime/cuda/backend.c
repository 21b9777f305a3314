/* backend: what core asks of a process that computes on GPUs (core/backend.h): whether there are any, which transport, how
 * ranks run; and the moves, which the transport does. An emulation computes nothing: it runs as on the host. */
#include "core/backend.h"
#include "core/launch.h"
#include "core/output.h"
#include "cuda/device.h"

#include <stdio.h>

static bool emulates(const rt_options *options) {
    return options->verb == RT_VERB_EMULATE;
}

static int major_of(int version) {
    return version / 1000;
}

static int minor_of(int version) {
    return version % 1000 / 10;
}

/* Programs of a toolkit run with drivers of its major version, and later ones. */
static rt_status driver_check(rt_error *error) {
    int driver = 0, toolkit = 0, count = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&toolkit);
    if (driver == 0)
        return rt_error_set(error, RT_UNAVAILABLE,
                            "this machine has no CUDA driver; install NVIDIA's for CUDA %d.%d or "
                            "later, or run on a machine with a GPU",
                            major_of(toolkit), minor_of(toolkit));
    if (major_of(driver) < major_of(toolkit))
        return rt_error_set(error, RT_UNAVAILABLE,
                            "the CUDA driver is for %d.%d, this program's toolkit is %d.%d; update "
                            "the driver, or build with a toolkit of version %d",
                            major_of(driver), minor_of(driver), major_of(toolkit),
                            minor_of(toolkit), major_of(driver));
    cudaError_t told = cudaGetDeviceCount(&count);
    if (told == cudaSuccess && count > 0)
        return RT_OK;
    return rt_error_set(error, RT_UNAVAILABLE,
                        "this machine has no GPU that can be used: %s; see nvidia-smi and "
                        "CUDA_VISIBLE_DEVICES",
                        told == cudaSuccess ? "there is none" : cudaGetErrorString(told));
}

rt_status rt_backend_check(const rt_program *program, const rt_options *options, rt_error *error) {
    rt_transport transport = options->transport;
    bool host = transport == RT_TRANSPORT_SHM || transport == RT_TRANSPORT_THREADS;
    if (options->verb == RT_VERB_INFO)
        return RT_OK;
    if (transport != RT_TRANSPORT_AUTO && host != emulates(options))
        return rt_error_set(error, RT_USAGE, "--transport: write %s for this verb",
                            emulates(options) ? "shm or threads" : "nccl or loopback");
    if (emulates(options))
        return RT_OK;
    if (!program->module)
        return rt_error_set(error, RT_SOFTWARE,
                            "the program has no code for devices; emit it with --target cuda");
    return driver_check(error);
}

/* --- info ----------------------------------------------------------------------------------------------- */

static void steps_print(const rt_program *program, bool json) {
    bool first = true;
    printf(json ? ",\"graphs\":[" : "in a graph under nccl:");
    for (int32_t s = 0; s < program->steps; ++s) {
        if (!program->step[s].captured)
            continue;
        printf(json ? "%s" : first ? " " : ", ", first ? "" : ",");
        if (json)
            rt_output_string(stdout, program->step[s].name);
        else
            printf("%s", program->step[s].name);
        first = false;
    }
    printf(json ? "]" : first ? " no step: what they do depends on counts\n" : "\n");
}

void rt_backend_info(const rt_program *program, bool json) {
    int driver = 0, toolkit = 0, count = 0;
    struct cudaDeviceProp properties;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&toolkit);
    if (driver == 0 || cudaGetDeviceCount(&count) != cudaSuccess)
        count = 0;
    char version[24] = "", quote[] = "\"";
    if (driver)
        snprintf(version, sizeof version, "%d.%d", major_of(driver), minor_of(driver));
    else
        *quote = 0; /* null */
    if (json)
        printf(",\"toolkit\":\"%d.%d\",\"driver\":%s%s%s,\"gpus\":[", major_of(toolkit),
               minor_of(toolkit), quote, driver ? version : "null", quote);
    else
        printf("here: CUDA %d.%d, %s%s, %s\n", major_of(toolkit), minor_of(toolkit),
               driver ? "driver for " : "no driver", version, count ? "GPUs:" : "no GPU");
    for (int d = 0; d < count; ++d) {
        if (cudaGetDeviceProperties(&properties, d) != cudaSuccess)
            continue;
        if (json) {
            printf("%s", d ? "," : "");
            rt_output_string(stdout, properties.name);
        } else {
            printf("  %d %s, sm_%d%d, %.0f MiB\n", d, properties.name, properties.major,
                   properties.minor, (double)properties.totalGlobalMem / 1048576.0);
        }
    }
    printf("%s", json ? "]" : "");
    steps_print(program, json);
}

/* --- transports ----------------------------------------------------------------------------------------- */

bool rt_backend_transport(const char *name, rt_transport *transport) {
    static const struct {
        const char *name;
        rt_transport transport;
    } table[] = {{"nccl", RT_TRANSPORT_NCCL},
                 {"loopback", RT_TRANSPORT_LOOPBACK},
                 {"shm", RT_TRANSPORT_SHM},
                 {"threads", RT_TRANSPORT_THREADS}};
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (strcmp(name, table[i].name) == 0) {
            *transport = table[i].transport;
            return true;
        }
    return false;
}

const char *rt_backend_transports(void) {
    return "nccl or loopback (emulate: shm or threads)";
}

static rt_status loopback_launch(rt_segment *segment, bool *leader, rt_error *error) {
    int device, world = segment->program->world;
    *leader = true;
    RT_TRY(rt_device_index(0, &device, error));
    segment->process = rt_process_create(segment->program, &rt_moves_loopback, world, 0, device);
    if (!segment->process)
        return rt_error_set(error, RT_UNAVAILABLE, "no memory for %d ranks", world);
    rt_status status = rt_launch_threads(segment, error);
    rt_process_free(segment->process);
    segment->process = NULL;
    return status;
}

rt_status rt_backend_launch(rt_segment *segment, char **argv, bool *leader, rt_error *error) {
    const rt_options *options = segment->job->options;
    rt_transport transport = options->transport;
    int world = segment->program->world;
    if (emulates(options))
        return rt_launch_here(segment, argv, leader, error);
    *leader = true;
    if (transport == RT_TRANSPORT_AUTO) {
        rt_seat seat;
        RT_TRY(rt_seat_find(&seat, world, "loopback", error));
        bool alone = seat.rank < 0 && world > 1;
        transport = alone ? RT_TRANSPORT_LOOPBACK : RT_TRANSPORT_NCCL;
        if (alone && !options->quiet)
            fprintf(stderr,
                    "%s: no launcher gave this process a rank: all %d ranks share one GPU "
                    "(--transport loopback)\n",
                    segment->program->name, world);
    }
    return transport == RT_TRANSPORT_LOOPBACK ? loopback_launch(segment, leader, error)
                                              : rt_moves_nccl.launch(segment, argv, leader, error);
}

/* No library of the host is used that has threads. */
void rt_backend_limit(int local_ranks) {
    (void)local_ranks;
}

char *rt_backend_environment(int local_ranks, char *text) {
    (void)local_ranks;
    (void)text;
    return NULL;
}

int64_t rt_backend_shared_bytes(const rt_role *role) {
    (void)role;
    return 0;
}

rt_status rt_backend_preflight(rt_rank *rank) {
    const rt_moves *moves = rank->backend->process->moves;
    if (!moves->preflight)
        return rt_fail(rank, RT_USAGE,
                       "ranks that share a GPU have no links to measure: start a process for each "
                       "with torchrun, mpirun or srun");
    return moves->preflight(rank);
}

/* --- moves ---------------------------------------------------------------------------------------------- */

rt_status rt_backend_collective(const rt_members *m, rt_call call, const rt_collective *args) {
    return m->rank->backend->process->moves->collective(m, call, args);
}

rt_status rt_backend_transfer(const rt_members *m, const rt_transfer_args *args) {
    return m->rank->backend->process->moves->transfer(m, args);
}

rt_status rt_backend_pair(const rt_members *m, bool sends, const rt_pair_args *args) {
    return m->rank->backend->process->moves->pair(m, sends, args);
}

rt_status rt_backend_exchange(Flow *flow) {
    return flow->rank->backend->process->moves->exchange(flow);
}
