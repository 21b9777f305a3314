/* doctor_probe: looks what of this machine gen can use. Nothing is installed or changed. It reads versions from
 * the libraries' own headers, so it must not include base/json.h, whose names meet jansson's. */
#include "run/doctor.h"

#include "run/launch.h"
#include "run/locate.h"
#include "run/toolkit.h"

#include <jansson.h>
#include <lua.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <yaml.h>

/* First line that a program prints, or NULL if it is not there or fails. */
static const char *first_line(Run *run, const char *const *argv) {
    Buf output = {0};
    LaunchResult result = {.code = -1};
    Diag ignored = {.arena = &run->arena};
    Status status =
        launch_run(&(Launch){.argv = argv, .output = &output, .merge = true}, &result, &ignored);
    const char *line = NULL;
    if (status == STATUS_OK && result.code == 0 && output.data)
        line = arena_strndup(&run->arena, output.data, strcspn(output.data, "\n"));
    buf_free(&output);
    return line;
}

static const char *version_of(Run *run, const char *program) {
    return first_line(run, (const char *const[]){program, "--version", NULL});
}

static void add(Run *run, Findings *list, Finding finding) {
    *(Finding *)LIST_PUSH(&run->arena, list) = finding;
}

/* --- probes ----------------------------------------------------------------------------------------- */

static void probe_tools(Run *run, Findings *list) {
    const char *compiler = getenv("CC");
    add(run, list,
        (Finding){"C compiler", version_of(run, compiler && *compiler ? compiler : "cc"),
                  "programs cannot be built", "apt-get install build-essential", true});
    add(run, list,
        (Finding){"cmake", version_of(run, "cmake"), "programs cannot be built",
                  "apt-get install cmake", true});
    const char *ninja = version_of(run, "ninja"), *make = NULL;
    add(run, list,
        (Finding){"ninja", ninja, "make is used, and is slower", "apt-get install ninja-build",
                  false});
    if (!ninja) {
        make = version_of(run, "make");
        add(run, list,
            (Finding){"make", make, "programs cannot be built", "apt-get install ninja-build",
                      true});
    }
}

static void probe_libraries(Run *run, Findings *list) {
    int major, minor, patch;
    yaml_get_version(&major, &minor, &patch);
    add(run, list,
        (Finding){"libyaml", arena_printf(&run->arena, "%d.%d.%d", major, minor, patch), "", "",
                  true});
    add(run, list, (Finding){"Lua", LUA_RELEASE, "", "", true});
    add(run, list, (Finding){"jansson", jansson_version_str(), "", "", true});
    const char *blas =
        first_line(run, (const char *const[]){"pkg-config", "--modversion", "openblas", NULL});
    add(run, list,
        (Finding){"OpenBLAS", blas, "programs for the host cannot be built",
                  "apt-get install libopenblas-pthread-dev pkg-config", true});
    const char *runtime = NULL;
    Diag kept = run->diag;
    if (locate_runtime(run, &runtime) != STATUS_OK)
        run->diag = kept;
    add(run, list,
        (Finding){"runtime", runtime, "programs cannot be built", "name it with --runtime DIR",
                  true});
}

/* The line of a program's output that has `word`, from there on; NULL if there is none. */
static const char *line_with(Run *run, const char *const *argv, const char *word) {
    Buf output = {0};
    LaunchResult result = {.code = -1};
    Diag ignored = {.arena = &run->arena};
    Status status = launch_run(&(Launch){.argv = argv, .output = &output}, &result, &ignored);
    const char *at =
        status == STATUS_OK && result.code == 0 && output.data ? strstr(output.data, word) : NULL;
    const char *line = at ? arena_strndup(&run->arena, at, strcspn(at, "\n")) : NULL;
    buf_free(&output);
    return line;
}

static const char *nvcc(Run *run, const Toolkit *toolkit) {
    const char *path = toolkit_nvcc(run, toolkit);
    const char *version =
        path ? line_with(run, (const char *const[]){path, "--version", NULL}, "release ") : NULL;
    return version ? arena_printf(&run->arena, "%s, %s", version, path) : NULL;
}

/* A shared library's version stands in the name that its link leads to. */
static const char *library(Run *run, const Toolkit *toolkit, const char *const *names) {
    const char *path = toolkit_file(run, toolkit, names);
    char *full = path ? realpath(path, NULL) : NULL;
    const char *found = full ? arena_strdup(&run->arena, full) : path;
    free(full);
    return found;
}

/* "2.19.3, /usr/include/nccl.h": the version as the header states it. */
static const char *nccl(Run *run, const Toolkit *toolkit) {
    static const char *const names[3] = {"#define NCCL_MAJOR %d", "#define NCCL_MINOR %d",
                                         "#define NCCL_PATCH %d"};
    const char *path = toolkit_nccl(run, toolkit);
    FILE *file = path ? fopen(path, "r") : NULL;
    int parts[3] = {0};
    char line[512];
    while (file && fgets(line, sizeof line, file))
        for (int i = 0; i < 3; i++)
            sscanf(line, names[i], &parts[i]);
    if (file)
        fclose(file);
    if (!path)
        return NULL;
    return parts[0] ? arena_printf(&run->arena, "%d.%d.%d, %s", parts[0], parts[1], parts[2], path)
                    : arena_printf(&run->arena, "of unknown version, %s", path);
}

/* "8 x NVIDIA H100 80GB HBM3, 81559 MiB, compute capability 9.0, driver 550.54.15" */
static const char *gpus(Run *run) {
    const char *const list[] = {"nvidia-smi", "--query-gpu=count,name,memory.total,compute_cap",
                                "--format=csv,noheader", NULL};
    const char *const version[] = {"nvidia-smi", "--query-gpu=driver_version",
                                   "--format=csv,noheader", NULL};
    const char *gpu = first_line(run, list), *driver = first_line(run, version);
    if (!gpu)
        return first_line(run, (const char *const[]){"nvidia-smi", "-L", NULL});
    const char *comma = strchr(gpu, ','), *last = strrchr(gpu, ',');
    if (!comma || last == comma)
        return gpu;
    return arena_printf(&run->arena, "%.*s x%.*s, compute capability%s, driver %s",
                        (int)(comma - gpu), gpu, (int)(last - comma - 1), comma + 1, last + 1,
                        driver ? driver : "unknown");
}

/* "550.54.15": of the kernel's module, which is there without nvidia-smi. */
static const char *driver(Run *run) {
    char text[256] = "";
    FILE *file = fopen("/proc/driver/nvidia/version", "r");
    if (file && !fgets(text, sizeof text, file))
        *text = 0;
    if (file)
        fclose(file);
    const char *at = strstr(text, "Module");
    at = at ? at + strcspn(at, "0123456789") : text;
    return *at ? arena_strndup(&run->arena, at, strcspn(at, " \n")) : NULL;
}

static void probe_cuda(Run *run, Findings *list) {
    static const char *const nvrtc[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so", NULL};
    static const char *const blas[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so", NULL};
    const char *cost = "no programs for GPUs; host programs do without";
    const char *cure =
        "the CUDA toolkit, https://developer.nvidia.com/cuda-downloads (12.8 or newer)";
    Toolkit toolkit = toolkit_find(run);
    add(run, list, (Finding){"CUDA toolkit", toolkit.root, cost, cure, false});
    add(run, list,
        (Finding){"nvcc", nvcc(run, &toolkit), "programs for GPUs with --kernels nvrtc alone", cure,
                  false});
    add(run, list, (Finding){"NVRTC", library(run, &toolkit, nvrtc), cost, cure, false});
    add(run, list, (Finding){"cuBLAS", library(run, &toolkit, blas), cost, cure, false});
    add(run, list,
        (Finding){"NCCL", nccl(run, &toolkit), cost,
                  "https://developer.nvidia.com/nccl (2.19 or newer)", false});
    add(run, list,
        (Finding){"NVIDIA driver", driver(run), "programs for GPUs can be built, not run",
                  "the driver of the GPU, as new as the toolkit or newer", false});
    add(run, list,
        (Finding){"GPU", gpus(run), "programs run on the processor",
                  "a machine with an NVIDIA GPU and its driver", false});
}

static void probe_machine(Run *run, Findings *list) {
    cpu_set_t cores;
    int count = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
    add(run, list, (Finding){"cores", arena_printf(&run->arena, "%d", count), "", "", true});
    add(run, list, (Finding){"memory", run_bytes(run, memory), "", "", true});
}

void doctor_probe(Run *run, Findings *list) {
    probe_tools(run, list);
    probe_libraries(run, list);
    probe_cuda(run, list);
    probe_machine(run, list);
}
