/* study: what a report tells about one deployment: points to be predicted, tables that put them beside claims, and
 * arithmetic over the claims. Written in Lua (lua/studies/NAME.lua, beside claims/NAME.yaml), read as data. All lies in
 * the caller's arena. */
#pragma once

#include "report/claims.h"
#include "report/point.h"

typedef struct StudyPoint {
    const char *id, *model, *topology,
        *strategy; /* model, topology: files of models/ and topologies/ */
    TextList set;  /* "batch=24" */
    bool wanted;   /* by a table that is shown */
    Point point;
} StudyPoint;

typedef enum StudyAs {
    STUDY_VALUE,
    STUDY_RATIO, /* to `versus` */
    STUDY_SHARE, /* the same, in % */
    STUDY_LESS,  /* 1 - ratio, in % */
    STUDY_MORE,  /* ratio - 1, in % */
} StudyAs;

typedef struct StudyScale {
    double factor;
} StudyScale;

typedef struct StudyRow {
    const char *what;
    TextList claims; /* none, one for all columns, or one a column ("": none) */
    const char *metric;
    int64_t as;                 /* StudyAs */
    LIST_OF(StudyScale) scales; /* none, or one a column: what the result is multiplied by */
    TextList points, versus;    /* [columns] */
    const char *note;
} StudyRow;

typedef enum StudyChart { STUDY_CHART_NONE, STUDY_CHART_SPANS, STUDY_CHART_LINES } StudyChart;

typedef struct StudyTable {
    const char *part, *id, *title, *about;
    TextList columns;
    LIST_OF(StudyRow) rows;
    int64_t chart; /* StudyChart */
    const char *x; /* what the columns are, for charts */
    bool log, wanted;
} StudyTable;

typedef struct StudyCheck {
    const char *title, *how, *unit;
    int64_t relation; /* StudyRelation */
    double stated, follows;
    bool holds;
    TextList uses; /* claims that it judges */
} StudyCheck;

typedef enum StudyRelation {
    STUDY_EQUAL,
    STUDY_AT_MOST,
    STUDY_AT_LEAST,
    STUDY_IMPLIED, /* nothing is stated */
} StudyRelation;

typedef struct StudyUntold {
    TextList claims;
    const char *why;
} StudyUntold;

typedef struct Study {
    LIST_OF(StudyPoint) points;
    LIST_OF(StudyTable) tables;
    LIST_OF(StudyCheck) checks;
    LIST_OF(StudyUntold) untold;
    Claims claims;
} Study;

/* Names of all studies, as claims/NAME.yaml are embedded, NULL-terminated. */
const char *const *study_names(Arena *arena);

/* Read claims and study of this name. A study of ours that is off is an error of ours: E0441, STATUS_SOFTWARE. `share`
 * may be NULL. */
Status study_read(Arena *arena, const char *share, const char *name, Study *study, Diag *diag);

/* The point of this id, or NULL. */
StudyPoint *study_point(const Study *study, const char *id);

extern const char *const study_relations[]; /* "equal", "at most", ... */
