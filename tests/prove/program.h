/* program: a case is emitted, built and run on the host with all its ranks, and compared with the program that one
 * rank makes of the same model and weights. Cases of a group share that program, its results and compiled kernels. */
#pragma once

#include "property.h"

/* What the cases of a group share; zeroed at first, then made by the first case that needs it. */
typedef struct Twin Twin;

typedef struct ProgramCounts {
    int64_t tokens, compared_tokens;       /* new tokens; those that are no tie */
    int64_t positions, compared_positions; /* of logits */
} ProgramCounts;

/* A folder that is to be made, and goes with the twin. */
Twin *twin_open(const char *folder);
void twin_close(Twin *twin);

/* `verdict` says OUTCOME_PROVED where all is equal. */
void program_check(Twin *twin, const RandomCase *made, const Schedule *schedule, Verdict *verdict,
                   ProgramCounts *counts);
