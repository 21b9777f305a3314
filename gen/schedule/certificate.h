/* certificate: what makes a schedule easy to be sure of. The proof (check.h) searches; the certificate is the witness
 * that it found: an order in which all moves can happen, what meets where, and when each buffer holds a value. The small
 * checker (certify.c) goes along it, searches nothing, and shares no code with the proof. docs/certificate.md is the
 * format. */
#pragma once

#include "schedule/schedule.h"

enum { CERTIFICATE_SCHEMA_VERSION = 1 };

/* Where ranks meet, as a number: channel c is c; dispatch of exchange e is channels + 2 e, its combine one more. */

/* Meetings at these places, one after the other, all of them `repeat` times. */
typedef struct CertificateBlock {
    int64_t repeat;
    IntList places;
} CertificateBlock;

/* Meetings of one place in a step that are alike. */
typedef struct CertificateMatch {
    int64_t place, kind; /* OpKind; of a pair: send */
    int64_t microbatch;
    int64_t
        bytes; /* that each member of a collective brings; that go over a pair; of all windows of an exchange */
    int64_t count;
    Range
        sequence; /* from the number of the first among all meetings of the place to past that of the last */
} CertificateMatch;

/* Positions [begin, end], both included, in a role's program order of a step; `repeat` times, `stride` apart. */
typedef struct CertificateInterval {
    int64_t begin, end, repeat, stride;
} CertificateInterval;

typedef struct CertificateBuffer {
    const char *buffer;
    LIST_OF(CertificateInterval) holds; /* a value */
} CertificateBuffer;

typedef struct CertificateRole {
    const char *role;
    LIST_OF(CertificateBuffer)
    intervals; /* in the order of the role's buffers; neither weights nor state */
} CertificateRole;

typedef struct CertificateStep {
    const char *name;
    LIST_OF(CertificateBlock) order;
    LIST_OF(CertificateMatch) matching;
    LIST_OF(CertificateRole) roles; /* all of them, in the order of the schedule */
} CertificateStep;

typedef struct Certificate {
    int64_t schema_version, schedule_version;
    const char *plan_digest, *schedule_digest; /* of the texts of plan.json and schedule.json */
    LIST_OF(CertificateStep) steps;
    DiagPlace place; /* for messages: the file that it was read from */
} Certificate;

/* The certificate of a schedule that was proved. The digests are those of its text and of its plan's. E0594 if its ranks
 * do not come to their end. */
Status certificate_make(Arena *arena, const Schedule *schedule, const char *plan_digest,
                        const char *schedule_digest, Certificate *certificate, Diag *diag);

/* The same with digests of a lowered schedule and its plan, as text. */
Status certificate_text(Arena *arena, const Schedule *schedule, Buf *out, Diag *diag);

/* Canonical text. */
void certificate_write(const Certificate *certificate, Buf *out);

/* Read it back, as hostile data. Another version is E0592; what it says is held against a schedule by certify. */
Status certificate_parse(Arena *arena, const char *name, const char *text, size_t length,
                         Certificate *certificate, Diag *diag);

/* The interval that a position lies in; false: the buffer holds no value there (NULL: nowhere). */
bool certificate_interval(const CertificateBuffer *of, int64_t position, int64_t *begin,
                          int64_t *end);

/* The small checker: the certificate holds for this schedule, whose text has this digest, and (unless NULL) for the plan
 * with that one. STATUS_NEGATIVE with E0593..E0599 if not: digests, order, matching, waits, intervals, races, bounds. */
Status certify(const Schedule *schedule, const char *schedule_digest, const char *plan_digest,
               const Certificate *certificate, Diag *diag);
