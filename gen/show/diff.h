/* diff: two plans beside each other: what is decided differently and what follows from it, in words and
 * numbers. Public within gen. Texts lie in the caller's arena. */
#pragma once

#include "schedule/check.h"
#include "schedule/simulate.h"

/* A plan with what follows from it. `proved`: every rule holds, so that it could be simulated. */
typedef struct DiffSide {
    const char *label; /* as the user named it */
    const Plan *plan;
    const Schedule *schedule;
    const CheckReport *report;
    bool proved;
    Simulation simulation; /* only if proved */
} DiffSide;

/* Do both decide the same? Name, strategy and reasons may differ: they decide nothing. */
bool diff_equal(const Plan *a, const Plan *b);

void diff_text(Arena *arena, const DiffSide *a, const DiffSide *b, Buf *out);
void diff_json(Arena *arena, const DiffSide *a, const DiffSide *b, Buf *out);
