/* explain_table: what each diagnostic means beyond its own line. Proof rules explain themselves
 * (gen/schedule/check.h). */
#pragma once

typedef struct Explanation {
    const char *code, *text;
} Explanation;

extern const Explanation explain_table[]; /* ascending codes; ends with code == NULL */

/* What is wrong, what is right, and where to look; each may be NULL. Ends with a NULL code. */
typedef struct ExplainExample {
    const char *code, *wrong, *right, *look;
} ExplainExample;

extern const ExplainExample explain_examples[];
