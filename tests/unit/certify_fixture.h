/* certify_fixture: schedules as text and their certificates, for the tests of the readers and of the small checker. */
#pragma once

#include "../schedule/schedule_fixture.h"

#include "schedule/certificate.h"

typedef struct Texts {
    Buf schedule, certificate;
    const char *plan_digest, *schedule_digest;
} Texts;

/* Schedule and certificate of a fixture's plan, as gen writes them. */
static inline void texts_make(Texts *texts, Fixture *f) {
    Buf plan = {0};
    *texts = (Texts){0};
    plan_write(&f->plan, &plan);
    schedule_write(&f->schedule, &texts->schedule);
    texts->plan_digest = plan_digest(&f->arena, plan.data, plan.length);
    texts->schedule_digest = plan_digest(&f->arena, texts->schedule.data, texts->schedule.length);
    fixture_refused(f, certificate_text(&f->arena, &f->schedule, &texts->certificate, &f->diag));
    buf_free(&plan);
}

static inline void texts_free(Texts *texts) {
    buf_free(&texts->schedule);
    buf_free(&texts->certificate);
}

static inline Status texts_read(Fixture *f, const Buf *text, Schedule *schedule) {
    return schedule_parse(&f->arena, "schedule.json", text->data, text->length, schedule, &f->diag);
}

static inline Status texts_read_certificate(Fixture *f, const Buf *text, Certificate *certificate) {
    return certificate_parse(&f->arena, "certificate.json", text->data, text->length, certificate,
                             &f->diag);
}
