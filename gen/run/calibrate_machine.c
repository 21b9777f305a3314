/* calibrate_machine: which machine this is, and which one results are of. */
#include "base/fs.h"
#include "run/calibrate.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static const Field machine_fields[] = {
    {.name = "processor",
     .type = FIELD_TEXT,
     .offset = offsetof(CalibrateMachine, processor),
     .doc = "model, as the system names it"},
    {.name = "cores",
     .type = FIELD_INT,
     .offset = offsetof(CalibrateMachine, cores),
     .min = 1,
     .max = 1 << 20,
     .doc = "that programs may use"},
    {0},
};

static const Schema machine_schema = {
    .name = "CalibrateMachine",
    .doc = "The machine that results are of.",
    .size = sizeof(CalibrateMachine),
    .fields = machine_fields,
};

/* As measure.sh finds it: the first "model name" of the system, else the kind of machine. */
static const char *processor_name(Arena *arena) {
    char line[256];
    const char *name = NULL;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (!name && file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        name = arena_strndup(arena, colon, strcspn(colon, "\n\""));
    }
    if (file)
        fclose(file);
    struct utsname system;
    if (!name || !*name)
        name = uname(&system) == 0 ? arena_strdup(arena, system.machine) : "unknown";
    return name;
}

void calibrate_this_machine(Run *run, CalibrateMachine *machine) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    machine->processor = processor_name(&run->arena);
    machine->cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
}

Status calibrate_read_machine(Run *run, const char *results, CalibrateMachine *machine) {
    YamlNode *root;
    TRY(yaml_read(&run->arena, fs_join(&run->arena, results, "machine.yaml"), yaml_config_limits,
                  &root, &run->diag));
    return schema_read(&machine_schema, root, machine, &run->arena, &run->diag);
}

Status calibrate_write_machine(Run *run, const char *results, const CalibrateMachine *machine) {
    const char *text = arena_printf(&run->arena, "processor: \"%s\"\ncores: %lld\n",
                                    machine->processor, (long long)machine->cores);
    return fs_write(fs_join(&run->arena, results, "machine.yaml"), text, strlen(text), &run->diag);
}

const char *calibrate_machine_text(Run *run, const char *processor, int64_t cores) {
    return arena_printf(&run->arena, "%s, %lld core%s", processor, (long long)cores,
                        cores == 1 ? "" : "s");
}

void calibrate_check_host(Run *run, const Topology *topology) {
    const Measured *measured = &topology->measured;
    CalibrateMachine here;
    if (!measured_is_there(measured))
        return;
    calibrate_this_machine(run, &here);
    if (strcmp(here.processor, measured->processor) == 0 && here.cores == measured->cores)
        return;
    diag_warning(&run->diag, diag_nowhere(), "E0344",
                 "measure this one: gen calibrate -t TOPOLOGY -o DIR, then make the program again",
                 "the topology %s was measured on %s; this is %s", topology->name,
                 calibrate_machine_text(run, measured->processor, measured->cores),
                 calibrate_machine_text(run, here.processor, here.cores));
}
