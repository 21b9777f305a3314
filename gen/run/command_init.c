/* command_init: gen init DIR: a first project, and the commands to go on. Texts are the templates of
 * templates/project/; here are the figures that go into them. The directory must be new or empty, because what is
 * in it is the user's to edit. */
#include "run/init.h"

#include "base/fs.h"
#include "base/jsonw.h"
#include "base/units.h"
#include "emit/template.h"
#include "run/launch.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Init {
    const char *dir;
    const char *topology;    /* template */
    const char *machine;     /* in a few words */
    const char *commands[4]; /* to go on, the last NULL */
    int64_t ranks;
} Init;

typedef struct ProjectFile {
    const char *name, *template; /* template: NULL: as the topology needs */
} ProjectFile;

static const ProjectFile project_files[] = {
    {"model.yaml", "templates/project/model.yaml"},
    {"topology.yaml", NULL},
    {"workload.yaml", "templates/project/workload.yaml"},
    {"README.md", "templates/project/README.tmpl.md"},
};

enum { PROJECT_FILES = sizeof project_files / sizeof *project_files };

/* --- the view of the templates ------------------------------------------------------------------------ */

static void set_text(lua_State *lua, const char *key, const char *text) {
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, key);
}

static void set_integer(lua_State *lua, const char *key, int64_t value) {
    lua_pushinteger(lua, (lua_Integer)value);
    lua_setfield(lua, -2, key);
}

/* With two digits: more would pretend to be known. */
static void set_about(lua_State *lua, const char *key, Quantity quantity, double value) {
    char text[UNITS_TEXT];
    snprintf(text, sizeof text, "%.2g", value);
    units_format(quantity, strtod(text, NULL), text);
    set_text(lua, key, text);
}

static void set_exact(lua_State *lua, const char *key, Quantity quantity, double value) {
    char text[UNITS_TEXT];
    units_format(quantity, value, text);
    set_text(lua, key, text);
}

static void push_host(Run *run, lua_State *lua, Init *init) {
    InitHost host;
    init_host(&host);
    double processes = (double)host.processes, cores = (double)host.cores;
    double share = cores < processes ? cores / processes : 1; /* of a core */
    double mib = (double)(1 << 20), memory = 0.75 * host.memory / processes;
    lua_newtable(lua);
    set_integer(lua, "sockets", host.sockets);
    set_integer(lua, "cores", host.cores);
    set_integer(lua, "processes", host.processes);
    set_integer(lua, "per_cycle", host.flops_per_cycle);
    set_text(lua, "clock", arena_printf(&run->arena, "%.1f", host.clock * 1e-9));
    set_text(lua, "all_memory", run_bytes(run, host.memory));
    set_text(lua, "memory", arena_printf(&run->arena, "%.0f MiB", (double)(int64_t)(memory / mib)));
    set_about(lua, "flops", QUANTITY_FLOPS,
              cores * host.clock * (double)host.flops_per_cycle / processes);
    set_about(lua, "bandwidth", QUANTITY_BANDWIDTH, 2 * host.copied * share);
    set_about(lua, "copied", QUANTITY_BANDWIDTH, host.copied * share);
    init->topology = "templates/project/topology-host.tmpl.yaml";
    init->ranks = host.processes;
    init->machine = arena_printf(&run->arena, "this host, as one node of %lld processes",
                                 (long long)host.processes);
}

static void push_gpus(Run *run, lua_State *lua, const InitGpus *machine, Init *init) {
    InitGpus gpus = *machine;
    const GpuKind *kind = gpus.kind;
    lua_newtable(lua);
    set_text(lua, "seen", gpus.seen);
    set_exact(lua, "nic_bandwidth", QUANTITY_BANDWIDTH,
              gpus.nic_bandwidth > 0 ? gpus.nic_bandwidth : 25e9);
    set_integer(lua, "nic_known", gpus.nic_bandwidth > 0);
    set_text(lua, "nic_note", gpus.nic_note);
    set_integer(lua, "gpus", gpus.gpus);
    set_integer(lua, "nics", gpus.nics);
    set_integer(lua, "all_nics", gpus.all_nics);
    set_text(lua, "type", kind->type);
    set_text(lua, "source", kind->source);
    set_text(lua, "memory", kind->memory);
    set_text(lua, "flops", kind->flops);
    set_text(lua, "flops_f32", kind->flops_f32);
    set_text(lua, "bandwidth", kind->bandwidth);
    set_text(lua, "link", gpus.link);
    set_text(lua, "link_note", gpus.link_note);
    set_exact(lua, "link_bandwidth", QUANTITY_BANDWIDTH, gpus.bandwidth);
    set_exact(lua, "latency", QUANTITY_TIME, gpus.latency);
    init->topology = "templates/project/topology-gpus.tmpl.yaml";
    init->ranks = gpus.gpus;
    init->machine = arena_printf(&run->arena, "one node of %lld %s joined by %s, %lld NICs",
                                 (long long)gpus.gpus, kind->type, gpus.link, (long long)gpus.nics);
}

static void set_commands(lua_State *lua, Init *init) {
    init->commands[0] = init->ranks > 1 ? "gen make -m model.yaml -t topology.yaml -w "
                                          "workload.yaml -s ma-separation -o out"
                                        : "gen make -m model.yaml -t topology.yaml -w "
                                          "workload.yaml -s single -o out";
    init->commands[1] = "gen build out";
    init->commands[2] = "gen verify out";
    lua_newtable(lua);
    for (int i = 0; init->commands[i]; i++) {
        lua_pushstring(lua, init->commands[i]);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_setfield(lua, -2, "commands");
    set_text(lua, "machine", init->machine);
}

/* Leaves the view on the stack. */
static Status push_view(Run *run, lua_State *lua, Init *init) {
    const char *smi = run->options.values[OPTION_FROM_NVIDIA_SMI];
    const char *nccl = run->options.values[OPTION_FROM_NCCL_XML];
    const char *type = run->options.values[OPTION_GPU];
    InitGpus gpus;
    if (smi)
        TRY(init_gpus(run, smi, type, &gpus));
    else if (nccl)
        TRY(init_nccl(run, nccl, type, &gpus));
    if (smi || nccl)
        push_gpus(run, lua, &gpus, init);
    else
        push_host(run, lua, init);
    set_commands(lua, init);
    return STATUS_OK;
}

/* --- the directory -------------------------------------------------------------------------------------- */

static Status refuse(Run *run, const char *dir, const char *code, const char *help,
                     const char *cause) {
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = dir;
    diag_error(&run->diag, (DiagPlace){.source = source}, code, help, "%s", cause);
    return STATUS_CANTCREAT;
}

/* Make the directory, or take one that is there and empty. *made: it was not there. */
static Status take_directory(Run *run, const char *dir, bool *made) {
    int error = mkdir(dir, 0777) == 0 ? 0 : errno;
    *made = !error;
    if (!error)
        return STATUS_OK;
    if (error != EEXIST)
        return refuse(
            run, dir, "E0904",
            error == ENOENT ? "make the folder that it is to lie in first"
                            : "name a place where you can make a directory",
            arena_printf(&run->arena, "the directory cannot be made: %s", strerror(error)));
    DIR *stream = opendir(dir);
    if (!stream)
        return refuse(
            run, dir, "E0905", "name a new directory",
            arena_printf(&run->arena, "a project cannot be made here: %s", strerror(errno)));
    struct dirent *entry;
    const char *foreign = NULL;
    while (!foreign && (entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            foreign = arena_strdup(&run->arena, entry->d_name);
    closedir(stream);
    if (!foreign)
        return STATUS_OK;
    return refuse(run, dir, "E0905", "name a new or an empty directory",
                  arena_printf(&run->arena, "there are files already, such as %s", foreign));
}

/* All files, or none: what was written before a failure is removed. */
static Status write_files(Run *run, const Init *init, const Buf *texts) {
    Status status = STATUS_OK;
    bool made;
    int written = 0;
    TRY(take_directory(run, init->dir, &made));
    for (; status == STATUS_OK && written < PROJECT_FILES; written++)
        status = fs_write(fs_join(&run->arena, init->dir, project_files[written].name),
                          texts[written].data, texts[written].length, &run->diag);
    if (status == STATUS_OK)
        return STATUS_OK;
    for (int i = 0; i + 1 < written; i++)
        unlink(fs_join(&run->arena, init->dir, project_files[i].name));
    if (made)
        rmdir(init->dir);
    return status;
}

static Status render_files(Run *run, Sandbox *sandbox, Init *init, Buf *texts) {
    TRY(push_view(run, sandbox->lua, init));
    for (int i = 0; i < PROJECT_FILES; i++) {
        const char *template =
            project_files[i].template ? project_files[i].template : init->topology;
        lua_pushvalue(sandbox->lua, -1);
        TRY(template_render(sandbox, &run->arena, template, &texts[i], &run->diag));
    }
    return STATUS_OK;
}

/* --- what is told ---------------------------------------------------------------------------------------- */

static void report_text(Run *run, const Init *init) {
    printf("wrote %s: model.yaml, topology.yaml (%s), workload.yaml, README.md; next:\n", init->dir,
           init->machine);
    if (strcmp(init->dir, ".") != 0)
        printf("  cd %s\n", launch_quote(&run->arena, init->dir));
    for (int i = 0; init->commands[i]; i++)
        printf("  %s\n", init->commands[i]);
}

static void report_json(const Init *init) {
    Buf text = {0};
    Jsonw json;
    jsonw_begin(&json, &text);
    jsonw_object(&json, false);
    jsonw_key(&json, "directory");
    jsonw_string(&json, init->dir);
    jsonw_key(&json, "next");
    jsonw_array(&json, false);
    for (int i = 0; init->commands[i]; i++)
        jsonw_string(&json, init->commands[i]);
    jsonw_end(&json);
    jsonw_key(&json, "ranks");
    jsonw_int(&json, init->ranks);
    jsonw_end(&json);
    jsonw_finish(&json);
    fputs(text.data, stdout);
    buf_free(&text);
}

static Status check_options(Run *run) {
    bool smi = options_given(&run->options, OPTION_FROM_NVIDIA_SMI);
    bool nccl = options_given(&run->options, OPTION_FROM_NCCL_XML);
    if (options_given(&run->options, OPTION_GPU) && !smi && !nccl) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_GPU), "E0914",
                   "give --from-nvidia-smi or --from-nccl-xml as well, or leave --gpu out",
                   "the topology of this host has no GPUs");
        return STATUS_USAGE;
    }
    if (smi && nccl) {
        diag_error(&run->diag, options_place(&run->diag, OPTION_FROM_NCCL_XML), "E0915",
                   "give the file that tells more: NCCL's",
                   "the topology is told twice, by --from-nvidia-smi too");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

Status command_init(Run *run) {
    Init init = {.dir = run->options.operand};
    Buf texts[PROJECT_FILES] = {0};
    Sandbox sandbox;
    TRY(check_options(run));
    TRY(sandbox_open(&sandbox, NULL, 0, &run->diag));
    Status status = render_files(run, &sandbox, &init, texts);
    if (status == STATUS_OK)
        status = write_files(run, &init, texts);
    for (int i = 0; i < PROJECT_FILES; i++)
        buf_free(&texts[i]);
    sandbox_close(&sandbox);
    TRY(status);
    if (run_json(run))
        report_json(&init);
    else
        report_text(run, &init);
    return STATUS_OK;
}
