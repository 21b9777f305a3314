/* emulate: gen run --emulate. The program runs with its operations asleep (runtime/core/emulate.h), each as long as
 * the cost model says, and what its steps took is put beside what was simulated. */
#pragma once

#include "run/command.h"
#include "schedule/simulate.h"

/* --- what crosses to the program (emulate_figures.c) ---------------------------------------------------- */

/* Write the array file "figures" of rt_format.h: what every operation of every rank needs, in the expected case.
 * `scale` [steps]: seconds of this host for a predicted one. */
Status emulate_figures_write(Arena *arena, const Schedule *schedule, const double *scale,
                             const char *path, Diag *diag);

/* --- simulated beside emulated (emulate_compare.c) ------------------------------------------------------- */

/* Time that a stream, or a kind of move, is busy: the sum over ranks, from begin to end of its operations. */
typedef struct EmulatedBusy {
    double simulated, emulated; /* s */
} EmulatedBusy;

enum { EMULATE_STREAMS = 4 };

typedef struct EmulatedStep {
    int64_t runs;
    double simulated;           /* s */
    double median, least, most; /* s, of the runs */
    /* Of the run in which this host was least late: */
    double seconds;
    double late; /* s that an operation ended behind its due time, at most */
    double scale;
    EmulatedBusy streams[EMULATE_STREAMS], moves[SIMULATE_MOVES];
    int64_t missing,
        surplus;             /* operations simulated and not executed, executed and not simulated */
    int64_t rank, op, layer; /* whose end differs most; rank -1: none */
    double simulated_end, emulated_end;
} EmulatedStep;

/* Read what the program wrote. `timelines`, `steps`: [steps]. E0801, E0802 where the file is none of this schedule's
 * program. */
Status emulate_compare(Arena *arena, const Schedule *schedule, const Timeline *timelines,
                       const char *path, EmulatedStep *steps, Diag *diag);

/* --- the verb (emulate.c) --------------------------------------------------------------------------------- */

Status emulate_program(Run *run);
