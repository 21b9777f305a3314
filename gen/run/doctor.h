/* doctor: what gen doctor found on this machine. */
#pragma once

#include "run/command.h"

typedef struct Finding {
    const char *name, *found; /* found: NULL if missing */
    const char *cost, *cure;  /* of its lack */
    bool needed;              /* for the host target */
} Finding;

typedef LIST_OF(Finding) Findings;

void doctor_probe(Run *run, Findings *list);
