/* program: writes out/NAME, the program of a schedule. It decides nothing: C pushes the schedule to Lua as it
 * is (program_view.c), lua/emit/ arranges it for reading, templates/ are the text. */
#pragma once

#include "schedule/schedule.h"

typedef struct EmitOptions {
    const char *share;       /* overrides embedded Lua and templates, or NULL */
    const char *version;     /* of gen */
    const char *certificate; /* the file that it was read from, for messages; NULL: it was made */
} EmitOptions;

/* Write the program to `dir`, all or nothing: plan.json, schedule.json, certificate.json and prediction.json (the texts
 * given), sources, CMakeLists.txt, README.md. Schedule and certificate are read back from their texts, and nothing is
 * written unless the small checker is sure of them: E0590 to E0599; E0593 without a certificate (NULL). `build` and weights.map of an older program stay. Errors: E0450,
 * E0701 from templates (overridden ones, or our bug), E0904, E0905. */
Status emit_program(Arena *arena, const Schedule *schedule, const char *certificate_json,
                    const char *prediction_json, const char *dir, EmitOptions options, Diag *diag);
