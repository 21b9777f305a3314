/* certificate_read: certificate.json as text: every key declared once, written canonically and read as hostile data. It
 * judges nothing but form: certify.c holds it against a schedule. */
#include "schedule/certificate.h"

#include "base/number.h"

static const char *const kind_names[] = {
#define OP(name, ...) #name,
#include "schedule/ops.def"
#undef OP
    NULL,
};

#define COUNT_MAX ((double)(1 << 30))
#define FIELD(of_type, field, kind) .name = #field, .type = kind, .offset = offsetof(of_type, field)
#define COUNT(of_type, field, least)                                                               \
    FIELD(of_type, field, FIELD_INT), .min = (least), .max = COUNT_MAX
#define TEXT(of_type, field) FIELD(of_type, field, FIELD_TEXT)
#define ITEMS(of_type, field, schema) FIELD(of_type, field, FIELD_LIST), .of = &(schema)
#define SCHEMA(id, title, of_type, text)                                                           \
    static const Schema id##_schema = {                                                            \
        .name = title, .doc = text, .size = sizeof(of_type), .fields = id##_fields}

static const Field block_fields[] = {
    {FIELD(CertificateBlock, places, FIELD_INTS), .min = 1, .doc = "where ranks meet, in order"},
    {COUNT(CertificateBlock, repeat, 1), .doc = "how often"},
    {0},
};
SCHEMA(block, "block", CertificateBlock, "meetings that come again");

static const Field match_fields[] = {
    {FIELD(CertificateMatch, bytes, FIELD_INT), .max = 0x1p62, .doc = "that meet"},
    {COUNT(CertificateMatch, count, 1), .doc = "how often"},
    {FIELD(CertificateMatch, kind, FIELD_ENUM), .names = kind_names, .doc = "what is done"},
    {COUNT(CertificateMatch, microbatch, 0), .doc = "of the step"},
    {COUNT(CertificateMatch, place, 0), .doc = "where ranks meet"},
    {FIELD(CertificateMatch, sequence, FIELD_RANGE), .max = COUNT_MAX, .doc = "first to past last"},
    {0},
};
SCHEMA(match, "match", CertificateMatch, "meetings that are alike");

static const Field interval_fields[] = {
    {COUNT(CertificateInterval, begin, 0), .doc = "position of the first write"},
    {COUNT(CertificateInterval, end, 0), .doc = "position of the last access"},
    {COUNT(CertificateInterval, repeat, 1), .fallback = "1", .doc = "how often"},
    {COUNT(CertificateInterval, stride, 0), .fallback = "0", .doc = "positions between two"},
    {0},
};
static const Schema interval_schema = {.name = "interval",
                                       .doc = "[first position, last, repeat, stride]",
                                       .size = sizeof(CertificateInterval),
                                       .fields = interval_fields,
                                       .tuple = true};

static const Field buffer_fields[] = {
    {TEXT(CertificateBuffer, buffer), .doc = "its name"},
    {ITEMS(CertificateBuffer, holds, interval_schema), .min = 1, .doc = "a value"},
    {0},
};
SCHEMA(buffer, "buffer", CertificateBuffer, "when a buffer holds a value");

static const Field role_fields[] = {
    {ITEMS(CertificateRole, intervals, buffer_schema), .doc = "by buffer"},
    {TEXT(CertificateRole, role), .doc = "its name"},
    {0},
};
SCHEMA(role, "role", CertificateRole, "when the buffers of a role hold values");

static const Field step_fields[] = {
    {ITEMS(CertificateStep, matching, match_schema), .doc = "by place"},
    {TEXT(CertificateStep, name), .doc = "of the plan"},
    {ITEMS(CertificateStep, order, block_schema), .doc = "of all meetings"},
    {ITEMS(CertificateStep, roles, role_schema), .doc = "all of them"},
    {0},
};
SCHEMA(step, "step", CertificateStep, "a step of the plan");

static const Field certificate_fields[] = {
    {TEXT(Certificate, plan_digest), .doc = "of plan.json"},
    {TEXT(Certificate, schedule_digest), .doc = "of schedule.json"},
    {COUNT(Certificate, schedule_version, 1), .doc = "of schedule.json"},
    {COUNT(Certificate, schema_version, 1), .doc = "of this file"},
    {ITEMS(Certificate, steps, step_schema), .doc = "all of them"},
    {0},
};
static const Schema certificate_schema = {.name = "certificate",
                                          .doc = "what makes a schedule easy to be sure of",
                                          .size = sizeof(Certificate),
                                          .fields = certificate_fields};

void certificate_write(const Certificate *certificate, Buf *out) {
    Jsonw json;
    jsonw_begin(&json, out);
    schema_write(&certificate_schema, certificate, &json);
    jsonw_finish(&json);
}

/* The version comes first: keys of another version would only be noise. */
static Status check_version(const YamlNode *root, Diag *diag) {
    const YamlNode *version = root->kind == YAML_MAPPING ? yaml_get(root, "schema_version") : NULL;
    int64_t number;
    bool overflow;
    if (!version || version->kind != YAML_SCALAR || !yaml_get(root, "schedule_digest"))
        return diag_error(diag, root->place, "E0592", "gen check PLAN -o FILE writes one",
                          "this is no certificate: it has no schema_version and schedule_digest");
    if (version->quoted || !number_parse_int(version->text, &number, &overflow) ||
        number != CERTIFICATE_SCHEMA_VERSION)
        return diag_error(diag, version->place, "E0592", "make it again with this gen",
                          "the certificate has schema version %s, this gen reads %d", version->text,
                          CERTIFICATE_SCHEMA_VERSION);
    return STATUS_OK;
}

/* What repeats does so past its own end, so that a position lies in one round of it at most. */
static Status check_intervals(const Certificate *certificate, Diag *diag) {
    for (int64_t s = 0; s < certificate->steps.count; ++s)
        for (int64_t r = 0; r < certificate->steps.items[s].roles.count; ++r) {
            const CertificateRole *role = &certificate->steps.items[s].roles.items[r];
            for (int64_t b = 0; b < role->intervals.count; ++b)
                for (int64_t i = 0; i < role->intervals.items[b].holds.count; ++i) {
                    const CertificateInterval *run = &role->intervals.items[b].holds.items[i];
                    if (run->begin > run->end ||
                        (run->repeat > 1 && run->stride <= run->end - run->begin))
                        return diag_error(diag, certificate->place, "E0592", "make it again",
                                          "role %s: an interval of %s ends before it begins, or "
                                          "repeats before it ends",
                                          role->role, role->intervals.items[b].buffer);
                }
        }
    return STATUS_OK;
}

Status certificate_parse(Arena *arena, const char *name, const char *text, size_t length,
                         Certificate *certificate, Diag *diag) {
    YamlNode *root;
    TRY(yaml_parse(arena, name, text, length, yaml_plan_limits, &root, diag));
    TRY(check_version(root, diag));
    TRY(schema_read(&certificate_schema, root, certificate, arena, diag));
    certificate->place.source = root->place.source;
    return check_intervals(certificate, diag);
}

bool certificate_interval(const CertificateBuffer *of, int64_t position, int64_t *begin,
                          int64_t *end) {
    for (int64_t i = 0; of && i < of->holds.count; ++i) {
        const CertificateInterval *run = &of->holds.items[i];
        int64_t round = run->repeat > 1 ? (position - run->begin) / run->stride : 0;
        round = round < run->repeat ? round : run->repeat - 1;
        *begin = run->begin + round * run->stride;
        *end = run->end + round * run->stride;
        if (run->begin <= position && position <= *end)
            return true;
    }
    return false;
}
