/* study_schema: the fields of a study, as its Lua file returns them. */
#include "report/study_schema.h"

#define AT(type, member) .offset = offsetof(type, member)
enum { MANY = 100000 };

const char *const study_relations[] = {"equal", "at most", "at least", "implied", NULL};
static const char *const as_names[] = {"value", "ratio", "share", "less", "more", NULL};
static const char *const chart_names[] = {"none", "spans", "lines", NULL};

static const Field point_fields[] = {
    {.name = "id", .type = FIELD_TEXT, AT(StudyPoint, id), .doc = "by which rows name it"},
    {.name = "model", .type = FIELD_TEXT, AT(StudyPoint, model), .doc = "file of models/"},
    {.name = "topology",
     .type = FIELD_TEXT,
     AT(StudyPoint, topology),
     .doc = "file of topologies/"},
    {.name = "strategy", .type = FIELD_TEXT, AT(StudyPoint, strategy), .doc = "with its options"},
    {.name = "set", .type = FIELD_TEXTS, AT(StudyPoint, set), .max = MANY, .doc = "KEY=VALUE"},
    {0},
};

static const Schema point_schema = {.name = "StudyPoint",
                                    .doc = "A deployment.",
                                    .size = sizeof(StudyPoint),
                                    .fields = point_fields};

static const Field row_fields[] = {
    {.name = "what", .type = FIELD_TEXT, AT(StudyRow, what), .doc = "is told"},
    {.name = "claims", .type = FIELD_TEXTS, AT(StudyRow, claims), .max = MANY, .doc = "ids"},
    {.name = "metric", .type = FIELD_TEXT, AT(StudyRow, metric), .doc = "of the points"},
    {.name = "as",
     .type = FIELD_ENUM,
     AT(StudyRow, as),
     .names = as_names,
     .doc = "value or ratio"},
    {.name = "scales",
     .type = FIELD_LIST,
     AT(StudyRow, scales),
     .max = MANY,
     .of = &study_scale_schema,
     .doc = "factors of the columns"},
    {.name = "points",
     .type = FIELD_TEXTS,
     AT(StudyRow, points),
     .max = MANY,
     .doc = "of the columns"},
    {.name = "versus", .type = FIELD_TEXTS, AT(StudyRow, versus), .max = MANY, .doc = "of ratios"},
    {.name = "note", .type = FIELD_TEXT, AT(StudyRow, note), .doc = "what else explains it"},
    {0},
};

static const Field scale_fields[] = {
    {.name = "factor", .type = FIELD_REAL, AT(StudyScale, factor), .doc = "of the result"}, {0}};
const Schema study_scale_schema = {
    .name = "StudyScale", .doc = "A factor.", .size = sizeof(StudyScale), .fields = scale_fields};

static const Schema row_schema = {
    .name = "StudyRow", .doc = "A row of a table.", .size = sizeof(StudyRow), .fields = row_fields};

static const Field table_fields[] = {
    {.name = "part", .type = FIELD_TEXT, AT(StudyTable, part), .doc = "of the report"},
    {.name = "id", .type = FIELD_TEXT, AT(StudyTable, id), .doc = "unique in the study"},
    {.name = "title", .type = FIELD_TEXT, AT(StudyTable, title), .doc = "for people"},
    {.name = "about", .type = FIELD_TEXT, AT(StudyTable, about), .doc = "what holds for all of it"},
    {.name = "columns",
     .type = FIELD_TEXTS,
     AT(StudyTable, columns),
     .min = 1,
     .max = 20,
     .doc = "titles"},
    {.name = "rows",
     .type = FIELD_LIST,
     AT(StudyTable, rows),
     .min = 1,
     .max = MANY,
     .of = &row_schema,
     .doc = "of it"},
    {.name = "chart",
     .type = FIELD_ENUM,
     AT(StudyTable, chart),
     .names = chart_names,
     .doc = "beside it"},
    {.name = "x", .type = FIELD_TEXT, AT(StudyTable, x), .doc = "what the columns are"},
    {.name = "log", .type = FIELD_BOOL, AT(StudyTable, log), .doc = "a logarithmic axis"},
    {0},
};

static const Schema table_schema = {
    .name = "StudyTable", .doc = "A table.", .size = sizeof(StudyTable), .fields = table_fields};

static const Field check_fields[] = {
    {.name = "title", .type = FIELD_TEXT, AT(StudyCheck, title), .doc = "what is computed"},
    {.name = "how", .type = FIELD_TEXT, AT(StudyCheck, how), .doc = "it is computed"},
    {.name = "unit", .type = FIELD_TEXT, AT(StudyCheck, unit), .doc = "of both figures"},
    {.name = "relation",
     .type = FIELD_ENUM,
     AT(StudyCheck, relation),
     .names = study_relations,
     .doc = "of what is stated to what follows"},
    {.name = "stated", .type = FIELD_REAL, AT(StudyCheck, stated), .doc = "by documents"},
    {.name = "follows", .type = FIELD_REAL, AT(StudyCheck, follows), .doc = "from their figures"},
    {.name = "holds", .type = FIELD_BOOL, AT(StudyCheck, holds), .doc = "within rounding"},
    {.name = "uses",
     .type = FIELD_TEXTS,
     AT(StudyCheck, uses),
     .max = MANY,
     .doc = "claims judged"},
    {0},
};

static const Schema check_schema = {
    .name = "StudyCheck", .doc = "Arithmetic.", .size = sizeof(StudyCheck), .fields = check_fields};

static const Field untold_fields[] = {
    {.name = "claims",
     .type = FIELD_TEXTS,
     AT(StudyUntold, claims),
     .min = 1,
     .max = MANY,
     .doc = "ids"},
    {.name = "why", .type = FIELD_TEXT, AT(StudyUntold, why), .doc = "there is no prediction"},
    {0},
};

static const Schema untold_schema = {.name = "StudyUntold",
                                     .doc = "Claims without a prediction.",
                                     .size = sizeof(StudyUntold),
                                     .fields = untold_fields};

static const Field study_fields[] = {
    {.name = "points",
     .type = FIELD_LIST,
     AT(Study, points),
     .max = MANY,
     .of = &point_schema,
     .doc = "deployments"},
    {.name = "tables",
     .type = FIELD_LIST,
     AT(Study, tables),
     .max = MANY,
     .of = &table_schema,
     .doc = "of points beside claims"},
    {.name = "checks",
     .type = FIELD_LIST,
     AT(Study, checks),
     .max = MANY,
     .of = &check_schema,
     .doc = "arithmetic over claims"},
    {.name = "untold",
     .type = FIELD_LIST,
     AT(Study, untold),
     .max = MANY,
     .of = &untold_schema,
     .doc = "claims without a prediction"},
    {0},
};

const Schema study_schema = {
    .name = "Study", .doc = "A report's part.", .size = sizeof(Study), .fields = study_fields};
