/* explain_table: what each diagnostic means beyond its own line. Proof rules explain themselves
 * (gen/schedule/check.h). */
#pragma once

typedef struct Explanation {
    const char *code, *text;
} Explanation;

extern const Explanation explain_table[]; /* ascending codes; ends with code == NULL */
