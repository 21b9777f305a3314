/* certified: see certified.h. What is read lies in the arena of the run. */
#include "run/certified.h"

#include "base/fs.h"
#include "schedule/certificate.h"

#include <string.h>

enum { FILE_MAX = 64 << 20 };

typedef struct File {
    const char *path, *digest;
    char *text;
    size_t length;
} File;

static Status read_file(Run *run, const char *path, File *file) {
    file->path = path;
    TRY(fs_read(&run->arena, path, FILE_MAX, &file->text, &file->length, &run->diag));
    file->digest = plan_digest(&run->arena, file->text, file->length);
    return STATUS_OK;
}

static Status differs(Run *run, const char *path, const char *format, const char *what,
                      const char *written, const char *computed) {
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = path;
    diag_error(&run->diag, (DiagPlace){.source = source}, "E0593",
               "emit the program again, or find out who changed a file of it", format, what,
               written, computed);
    return STATUS_NEGATIVE;
}

/* #define NAME "0123456789abcdef" */
static Status compare_constant(Run *run, const File *constants, const char *name,
                               const char *computed) {
    const char *key = arena_printf(&run->arena, "#define %s ", name);
    const char *at = strstr(constants->text, key);
    at = at ? strchr(at, '"') : NULL;
    const char *written = at ? arena_strndup(&run->arena, at + 1, strcspn(at + 1, "\"")) : "none";
    if (strcmp(written, computed) == 0)
        return STATUS_OK;
    return differs(run, constants->path, "%s is %s, but the file has %s", name, written, computed);
}

static Status compare_constants(Run *run, const char *dir, const Certified *found) {
    File constants;
    TRY(read_file(run, fs_join(&run->arena, dir, "constants.h"), &constants));
    TRY(compare_constant(run, &constants, "PLAN_DIGEST", found->plan));
    TRY(compare_constant(run, &constants, "SCHEDULE_DIGEST", found->schedule));
    return compare_constant(run, &constants, "CERTIFICATE_DIGEST", found->certificate);
}

Status certified_check(Run *run, const char *path, const char *given, Certified *found) {
    bool folder = fs_is_directory(path);
    File plan = {0}, schedule, certificate;
    Schedule read;
    Certificate with;
    if (folder)
        TRY(read_file(run, fs_join(&run->arena, path, "plan.json"), &plan));
    TRY(read_file(run, folder ? fs_join(&run->arena, path, "schedule.json") : path, &schedule));
    TRY(read_file(run, given ? given : fs_join(&run->arena, path, "certificate.json"),
                  &certificate));
    TRY(schedule_parse(&run->arena, schedule.path, schedule.text, schedule.length, &read,
                       &run->diag));
    TRY(certificate_parse(&run->arena, certificate.path, certificate.text, certificate.length,
                          &with, &run->diag));
    TRY(certify(&read, schedule.digest, plan.digest, &with, &run->diag));
    *found = (Certified){.plan = with.plan_digest,
                         .schedule = schedule.digest,
                         .certificate = certificate.digest,
                         .steps = read.steps.count,
                         .ranks = read.world};
    return folder ? compare_constants(run, path, found) : STATUS_OK;
}

const char *certified_text(Run *run, const Certified *found) {
    return arena_printf(&run->arena, "certificate  %s holds: schedule %s, %lld rank%s, %lld step%s",
                        found->certificate, found->schedule, (long long)found->ranks,
                        found->ranks == 1 ? "" : "s", (long long)found->steps,
                        found->steps == 1 ? "" : "s");
}

void certified_json(const Certified *found, Jsonw *json) {
    jsonw_key(json, "certificate");
    jsonw_object(json, true);
    jsonw_key_string(json, "digest", found->certificate);
    jsonw_key_string(json, "plan", found->plan);
    jsonw_key_int(json, "ranks", found->ranks);
    jsonw_key_string(json, "schedule", found->schedule);
    jsonw_key_int(json, "steps", found->steps);
    jsonw_end(json);
}

void certified_warn(Run *run, const char *dir) {
    Run alone = {.options = run->options, .arena = run->arena};
    Certified found;
    alone.diag.arena = &alone.arena;
    Status status = certified_check(&alone, dir, NULL, &found);
    run->arena = alone.arena;
    if (status == STATUS_OK || alone.diag.count == 0)
        return;
    const DiagMessage *why = &alone.diag.messages[0];
    diag_warning(&run->diag, why->place, why->code,
                 "gen check DIR tells more; gen emit makes both anew",
                 "the certificate of this program does not hold: %s", why->text);
}
