/* program: writes out/NAME, the program of a schedule. It decides nothing: C pushes the schedule to Lua as it
 * is (program_view.c), lua/emit/ arranges it for reading, templates/ are the text. */
#pragma once

#include "schedule/schedule.h"

/* A generation of GPUs: "sm_90a" and its compute capability as a number, 90. */
typedef struct EmitArch {
    const char *name;
    int64_t number;
} EmitArch;

/* What a program runs on: lua/emit/NAME.lua knows its files. */
typedef struct EmitTarget {
    const char *name;    /* NULL: "host" */
    const char *kernels; /* how code for devices is made: "aot" or "nvrtc"; NULL: there is none */
    LIST_OF(EmitArch) arch; /* ascending */
} EmitTarget;

typedef struct EmitOptions {
    const char *share;       /* overrides embedded Lua and templates, or NULL */
    const char *version;     /* of gen */
    const char *certificate; /* the file that it was read from, for messages; NULL: it was made */
    EmitTarget target;
} EmitOptions;

/* Write the program to `dir`, all or nothing: plan.json, schedule.json, certificate.json and prediction.json (the texts
 * given), sources, CMakeLists.txt, README.md. Schedule and certificate are read back from their texts, and nothing is
 * written unless the small checker is sure of them: E0590 to E0599; E0593 without a certificate (NULL). `build` and weights.map of an older program stay. Errors: E0450,
 * E0715 where the target has no kernel for an operation, E0701 from templates (overridden ones, or our bug), E0904, E0905. */
Status emit_program(Arena *arena, const Schedule *schedule, const char *certificate_json,
                    const char *prediction_json, const char *dir, EmitOptions options, Diag *diag);
