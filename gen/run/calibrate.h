/* calibrate: measures what operations cost on a machine and puts it into a topology. Small programs, made as any
 * other, run every kind of operation at several sizes; medians of repeated runs are fitted by lines. Everything lies
 * in the run's arena. It knows nothing of the deployments that are predicted afterwards. */
#pragma once

#include "plan/plan.h"
#include "run/command.h"
#include "schedule/schedule.h"

/* --- what is measured ----------------------------------------------------------------------------------- */

/* A program: sizes over those of templates/calibrate/model.yaml, and how they are spread over ranks. Its context leaves
 * eight steps after full prompts, so that decoding is measured near the bound for which plans are priced. */
typedef struct CalibrateProgram {
    const char *name;     /* its folder */
    const char *strategy; /* as -s takes it */
    const char *settings; /* "model.hidden=192 model.heads=24", as --set takes them */
    int64_t ranks, batch, prefill;
    bool quick; /* of the few that --quick measures */
} CalibrateProgram;

enum { CALIBRATE_STEPS = 8 };

extern const CalibrateProgram calibrate_programs[]; /* ends with name == NULL */

/* A program that was planned here, and whose results are read here. */
typedef struct CalibrateCase {
    const CalibrateProgram *program;
    const Plan *plan;
    const Schedule *schedule;
    const char *digest; /* of the plan: results of another one are refused */
} CalibrateCase;

typedef struct Calibration {
    const char *dir;
    const char *topology; /* path */
    int64_t rounds;
    LIST_OF(CalibrateCase) cases;
} Calibration;

Status calibrate_make_folder(Run *run, const char *path); /* that may be there already */

/* Plan, lower and prove all programs that the topology has GPUs for. */
Status calibrate_plan(Run *run, const Topology *topology, bool quick, Calibration *calibration);

/* Write them to DIR/programs, and DIR/measure.sh, which measures on a machine without gen. */
Status calibrate_emit(Run *run, const Calibration *calibration);

/* Build them and run each once a round, one after the other, into DIR/results. */
Status calibrate_run(Run *run, const Calibration *calibration);

/* --- what came of it ------------------------------------------------------------------------------------ */

/* One operation of one program: the median over the rounds of its mean seconds. */
typedef struct CalibrateSample {
    const char *kind;
    const Op *op;
    bool move, mixed;            /* mixed: a move between ranks of several roles */
    int64_t program, step, role; /* indices: of the cases, of the plan, of the schedule */
    int64_t ranks;
    MeasuredWork work;     /* of a move: what the busiest rank sends or gets */
    double seconds, count; /* count: executions a step */
} CalibrateSample;

typedef LIST_OF(CalibrateSample) CalibrateSamples;

/* Read the results of all rounds under `path`. E0341: of another program; E0342: none. */
Status calibrate_read(Run *run, const Calibration *calibration, const char *path,
                      CalibrateSamples *samples);

/* Intervals are made to hold for this share of the measured steps, each predicted without its own program. That is
 * harder than to predict sizes between those measured, so that nine of ten of those are to hold: with 0.85 all of 19
 * decode steps did (docs/benchmarks.md). */
#define CALIBRATE_COVERAGE 0.80

/* Fit a row to each kind and number of ranks. */
void calibrate_rows(Run *run, const CalibrateSamples *samples, Measured *measured);

/* A cost model of form mlp, fitted to the kernels among the samples, as JSON. */
Status calibrate_write_mlp(Run *run, const Calibration *calibration,
                           const CalibrateSamples *samples, const Measured *measured,
                           const char *path);

/* --- the machine ---------------------------------------------------------------------------------------- */

typedef struct CalibrateMachine {
    const char *processor; /* as the system names it */
    int64_t cores;         /* that programs may use */
} CalibrateMachine;

void calibrate_this_machine(Run *run, CalibrateMachine *machine);
Status calibrate_read_machine(Run *run, const char *results, CalibrateMachine *machine);
Status calibrate_write_machine(Run *run, const char *results, const CalibrateMachine *machine);

/* The topology file with `measured` in the place of what it had there; comments and all else stay. */
Status calibrate_write(Run *run, const char *topology, const Measured *measured, const char *path);

/* Warn where a topology was measured on another machine than this one: E0344. */
void calibrate_check_host(Run *run, const Topology *topology);

/* "AMD EPYC, 2 cores" */
const char *calibrate_machine_text(Run *run, const char *processor, int64_t cores);
