/* calibrate_emit: plans, writes and runs the programs of a calibration. */
#include "base/embedded.h"
#include "base/fs.h"
#include "emit/program.h"
#include "plan/planner.h"
#include "run/build.h"
#include "run/calibrate.h"
#include "run/inputs.h"
#include "run/prove.h"
#include "run/runner.h"
#include "schedule/certificate.h"
#include "schedule/simulate.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SETTLE_TRIES = 50 }; /* of 10 ms */

/* --- planning ------------------------------------------------------------------------------------------- */

/* The model over which programs set their sizes, as a file for the reader of models. */
static Status read_model(Run *run, const OverrideList *settings, Model *model) {
    const struct EmbeddedFile *file = embedded_files;
    Scratch scratch;
    while (strcmp(file->name, "templates/calibrate/model.yaml") != 0) {
        file++;
        assert(file->name);
    }
    TRY(scratch_open(run, "model.yaml", &scratch));
    Status status = fs_write(scratch.path, file->data, file->size, &run->diag);
    if (status == STATUS_OK)
        status = model_read_with(&run->arena, scratch.path, NULL, settings, model, &run->diag);
    scratch_close(&scratch);
    return status;
}

static Status read_inputs(Run *run, const CalibrateProgram *program, const Topology *topology,
                          PlanInputs *inputs) {
    OverrideList settings = {0};
    char *rest = NULL, *text = arena_printf(&run->arena,
                                            "%s workload.batch=%lld workload.prefill=%lld "
                                            "workload.context=%lld workload.dtype=f32",
                                            program->settings, (long long)program->batch,
                                            (long long)program->prefill,
                                            (long long)program->prefill + CALIBRATE_STEPS);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        TRY(inputs_override(run, word, &settings));
    inputs->topology = *topology;
    TRY(read_model(run, &settings, &inputs->model));
    return workload_read_with(&run->arena, NULL, &settings, &inputs->workload, &run->diag);
}

static Status plan_case(Run *run, const CalibrateProgram *program, const Topology *topology,
                        CalibrateCase *item) {
    Plan *plan = ARENA_NEW(&run->arena, Plan);
    Schedule *schedule = ARENA_NEW(&run->arena, Schedule);
    PlannerRequest request = {.strategy = program->strategy, .name = program->name};
    CheckReport report;
    Buf text = {0};
    TRY(read_inputs(run, program, topology, &plan->inputs));
    TRY(planner_run(&run->arena, &request, plan, &run->diag));
    TRY(prove_plan(run, plan, schedule, &report));
    plan_write(plan, &text);
    *item = (CalibrateCase){.program = program,
                            .plan = plan,
                            .schedule = schedule,
                            .digest = plan_digest(&run->arena, text.data, text.length)};
    buf_free(&text);
    return STATUS_OK;
}

Status calibrate_plan(Run *run, const Topology *topology, bool quick, Calibration *calibration) {
    for (const CalibrateProgram *program = calibrate_programs; program->name; program++) {
        if ((quick && !program->quick) || program->ranks > topology_gpu_count(topology))
            continue;
        run_progress(run, "planning %s", program->name);
        TRY(plan_case(run, program, topology, LIST_PUSH(&run->arena, &calibration->cases)));
    }
    run_progress_end(run);
    return STATUS_OK;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static const char *program_dir(Run *run, const Calibration *calibration,
                               const CalibrateCase *item) {
    return arena_printf(&run->arena, "%s/programs/%s", calibration->dir, item->program->name);
}

Status calibrate_make_folder(Run *run, const char *path) {
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && fs_is_directory(path)))
        return STATUS_OK;
    int error = errno;
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = path;
    diag_error(&run->diag, (DiagPlace){.source = source}, "E0904", fs_cure(error),
               "the folder cannot be made: %s", strerror(error));
    return STATUS_CANTCREAT;
}

static Status emit_case(Run *run, const Calibration *calibration, const CalibrateCase *item) {
    EmitOptions options = {.version = TOPOSMITH_VERSION};
    Simulation simulation = simulate(&run->arena, item->schedule);
    Buf prediction = {0}, certificate = {0};
    simulate_write(&simulation, item->schedule, &prediction);
    Status status = certificate_text(&run->arena, item->schedule, &certificate, &run->diag);
    if (status == STATUS_OK)
        status = emit_program(&run->arena, item->schedule, certificate.data, prediction.data,
                              program_dir(run, calibration, item), options, &run->diag);
    buf_free(&prediction);
    buf_free(&certificate);
    return status;
}

/* For a machine without gen: needs the runtime's folder, CMake, a C compiler and OpenBLAS. */
static Status write_script(Run *run, const Calibration *calibration) {
    Buf text = {0};
    buf_puts(
        &text,
        "#!/bin/sh\n"
        "# Builds the programs beside this file and measures them, into results/. Made by gen.\n"
        "# usage: measure.sh RUNTIME   (the folder of rt.h)\n"
        "set -eu\n"
        "runtime=$(cd \"${1:?the folder of rt.h}\" && pwd)\n"
        "cd \"$(dirname \"$0\")\"\n"
        "mkdir -p results\n"
        "for program in programs/*; do\n"
        "    cmake -S \"$program\" -B \"$program/build\" -DRT_DIR=\"$runtime\" >&2\n"
        "    cmake --build \"$program/build\" >&2\n"
        "done\n"
        "{\n"
        "    name=$(sed -n 's/^model name[^:]*:[ \t]*//p' /proc/cpuinfo | head -n 1)\n"
        "    echo \"processor: \\\"${name:-$(uname -m)}\\\"\"\n"
        "    echo \"cores: $(nproc)\"\n"
        "} >results/machine.yaml\n");
    buf_printf(&text, "for round in $(seq %lld); do\n", (long long)calibration->rounds);
    buf_puts(&text, "    for program in programs/*; do\n"
                    "        name=${program#programs/}\n"
                    "        \"$program/build/program\" measure --quiet --repeat 2 "
                    "--out \"results/$name-$round\" >/dev/null\n"
                    "    done\n"
                    "done\n"
                    "echo 'measured: gen calibrate --import results makes the topology of it'\n");
    const char *path = fs_join(&run->arena, calibration->dir, "measure.sh");
    Status status = fs_write(path, text.data, text.length, &run->diag);
    buf_free(&text);
    if (status == STATUS_OK)
        chmod(path, 0755);
    return status;
}

Status calibrate_emit(Run *run, const Calibration *calibration) {
    TRY(calibrate_make_folder(run, calibration->dir));
    TRY(calibrate_make_folder(run, fs_join(&run->arena, calibration->dir, "programs")));
    for (int64_t i = 0; i < calibration->cases.count; i++)
        TRY(emit_case(run, calibration, &calibration->cases.items[i]));
    return write_script(run, calibration);
}

/* --- running -------------------------------------------------------------------------------------------- */

static Status run_case(Run *run, const Calibration *calibration, const CalibrateCase *item,
                       int64_t round) {
    Runner runner;
    Buf output = {0};
    const char *out = arena_printf(&run->arena, "%s/results/%s-%lld", calibration->dir,
                                   item->program->name, (long long)round);
    TRY(runner_begin(run, program_dir(run, calibration, item), "measure", &runner));
    runner_add(&runner, "--repeat");
    runner_add(&runner, "2");
    runner_add(&runner, "--out");
    runner_add(&runner, out);
    Status status = runner_run(run, &runner, &output);
    buf_free(&output);
    return status;
}

/* Wait a little for a moment in which nothing else runs: what is measured then is the machine. */
static void settle(void) {
    for (int i = 0; i < SETTLE_TRIES; i++) {
        int running = 0;
        FILE *file = fopen("/proc/loadavg", "r");
        bool told = file && fscanf(file, "%*f %*f %*f %d", &running) == 1;
        if (file)
            fclose(file);
        if (!told || running <= 1)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

/* What an earlier calibration left would be read as rounds of this one. */
static void forget_results(Run *run, const Calibration *calibration, const CalibrateCase *item) {
    for (int64_t round = 1;; round++) {
        const char *dir = arena_printf(&run->arena, "%s/results/%s-%lld", calibration->dir,
                                       item->program->name, (long long)round);
        if (unlink(fs_join(&run->arena, dir, "measure.rta")) != 0)
            return;
        rmdir(dir);
    }
}

Status calibrate_run(Run *run, const Calibration *calibration) {
    TRY(calibrate_make_folder(run, fs_join(&run->arena, calibration->dir, "results")));
    for (int64_t i = 0; i < calibration->cases.count; i++) {
        const CalibrateCase *item = &calibration->cases.items[i];
        const char *binary;
        forget_results(run, calibration, item);
        run_progress(run, "building %s", item->program->name);
        TRY(build_if_stale(run, program_dir(run, calibration, item), &binary));
    }
    /* Rounds, not repetitions: what slows the machine for a while strikes one round of many programs. */
    for (int64_t round = 1; round <= calibration->rounds; round++)
        for (int64_t i = 0; i < calibration->cases.count; i++) {
            run_progress(run, "measuring: round %lld of %lld, program %lld of %lld",
                         (long long)round, (long long)calibration->rounds, (long long)i + 1,
                         (long long)calibration->cases.count);
            settle();
            TRY(run_case(run, calibration, &calibration->cases.items[i], round));
        }
    run_progress_end(run);
    return STATUS_OK;
}
