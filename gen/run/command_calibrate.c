/* command_calibrate: gen calibrate: measures programs, here or elsewhere, and writes a topology with what they took. */
#include "base/fs.h"
#include "run/calibrate.h"

#include <string.h>

enum { ROUNDS = 7, QUICK_ROUNDS = 2 };

/* What an operation cost before is no part of what is planned and measured now. */
static Status read_topology(Run *run, Topology *topology, CalibrateMachine *before) {
    TRY(topology_read(&run->arena, run->options.values[OPTION_TOPOLOGY], topology, &run->diag));
    *before = (CalibrateMachine){topology->measured.processor, topology->measured.cores};
    topology->measured = (Measured){.processor = "", .dtype = ""};
    return STATUS_OK;
}

/* Measure here; *results: the folder. */
static Status measure(Run *run, const Calibration *calibration, const char **results) {
    CalibrateMachine machine;
    TRY(calibrate_emit(run, calibration));
    *results = fs_join(&run->arena, calibration->dir, "results");
    if (options_given(&run->options, OPTION_EMIT_ONLY))
        return STATUS_OK;
    TRY(calibrate_run(run, calibration));
    calibrate_this_machine(run, &machine);
    return calibrate_write_machine(run, *results, &machine);
}

/* Results of another machine than the topology was measured on are refused; of another than this, told. */
static Status check_machine(Run *run, const char *results, const CalibrateMachine *before,
                            CalibrateMachine *machine) {
    CalibrateMachine here;
    TRY(calibrate_read_machine(run, results, machine));
    calibrate_this_machine(run, &here);
    const char *of = calibrate_machine_text(run, machine->processor, machine->cores);
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = fs_join(&run->arena, results, "machine.yaml");
    if (*before->processor &&
        (strcmp(before->processor, machine->processor) != 0 || before->cores != machine->cores))
        return diag_error(&run->diag, (DiagPlace){.source = source}, "E0343",
                          "name a topology of that machine, or remove `measured` from this one",
                          "these are results of %s; the topology was measured on %s", of,
                          calibrate_machine_text(run, before->processor, before->cores));
    if (strcmp(here.processor, machine->processor) != 0 || here.cores != machine->cores)
        diag_note(&run->diag, (DiagPlace){.source = source}, "E0344", NULL,
                  "these are results of %s, not of this machine (%s)", of,
                  calibrate_machine_text(run, here.processor, here.cores));
    return STATUS_OK;
}

static void report(Run *run, const Calibration *calibration, const Measured *measured,
                   const char *path) {
    if (run_json(run)) {
        Buf text = {0};
        Jsonw json;
        jsonw_begin(&json, &text);
        jsonw_object(&json, false);
        jsonw_key(&json, "measured");
        schema_write(&measured_schema, measured, &json);
        jsonw_key(&json, "programs");
        jsonw_int(&json, calibration->cases.count);
        jsonw_key(&json, "topology");
        jsonw_string(&json, path);
        jsonw_end(&json);
        jsonw_finish(&json);
        fputs(text.data, stdout);
        buf_free(&text);
        return;
    }
    printf("measured %lld programs on %s: %lld kinds of kernel, %lld of move\nwrote %s; next:\n"
           "  gen make -m MODEL -t %s -o DIR\n",
           (long long)calibration->cases.count,
           calibrate_machine_text(run, measured->processor, measured->cores),
           (long long)measured->kernels.count, (long long)measured->moves.count, path, path);
}

static void report_emitted(Run *run, const Calibration *calibration) {
    printf("wrote %lld programs and %s/measure.sh; next, where they are to be measured:\n"
           "  sh %s/measure.sh RUNTIME\n"
           "then here:\n  gen calibrate -t %s -o %s --import RESULTS\n",
           (long long)calibration->cases.count, calibration->dir, calibration->dir,
           run->options.values[OPTION_TOPOLOGY], calibration->dir);
}

Status command_calibrate(Run *run) {
    bool quick = options_given(&run->options, OPTION_QUICK);
    const char *results = run->options.values[OPTION_IMPORT];
    Calibration calibration = {.dir = run->options.values[OPTION_OUTPUT]};
    CalibrateSamples samples = {0};
    CalibrateMachine before, machine;
    Measured measured = {.dtype = "f32"};
    Topology topology;
    TRY(options_int(&run->options, OPTION_REPEAT, 1, 1000, quick ? QUICK_ROUNDS : ROUNDS,
                    &calibration.rounds, &run->diag));
    TRY(read_topology(run, &topology, &before));
    TRY(calibrate_plan(run, &topology, quick, &calibration));
    if (!results)
        TRY(measure(run, &calibration, &results));
    if (options_given(&run->options, OPTION_EMIT_ONLY)) {
        report_emitted(run, &calibration);
        return STATUS_OK;
    }
    TRY(check_machine(run, results, &before, &machine));
    TRY(calibrate_read(run, &calibration, results, &samples));
    measured.processor = machine.processor;
    measured.cores = machine.cores;
    calibrate_rows(run, &samples, &measured);
    TRY(calibrate_make_folder(run, calibration.dir));
    const char *path = fs_join(&run->arena, calibration.dir, "topology.yaml");
    TRY(calibrate_write(run, run->options.values[OPTION_TOPOLOGY], &measured, path));
    TRY(calibrate_write_mlp(run, &calibration, &samples, &measured,
                            fs_join(&run->arena, calibration.dir, "mlp.json")));
    report(run, &calibration, &measured, path);
    return STATUS_OK;
}
