/* certified: schedule.json and certificate.json of a program, read as who did not make them reads them: the small checker
 * alone, without plan, lowering or proof, and the digests in constants.h that the program carries. */
#pragma once

#include "base/jsonw.h"
#include "run/command.h"

typedef struct Certified {
    const char *plan, *schedule, *certificate; /* digests; plan: as the certificate says */
    int64_t steps, ranks;
} Certified;

/* `schedule`: a schedule.json, or the folder of a program; `certificate`: a file, NULL: that of the folder. For a folder,
 * plan.json and constants.h must have the same digests. E0590 to E0599, E0901. */
Status certified_check(Run *run, const char *schedule, const char *certificate, Certified *found);

/* "certificate  0123456789abcdef holds: 16 ranks, 2 steps". */
const char *certified_text(Run *run, const Certified *found);
/* The key "certificate" of the object that is open. */
void certified_json(const Certified *found, Jsonw *json);

/* A warning if the certificate of a program's folder is not there or does not hold. */
void certified_warn(Run *run, const char *dir);
