/* study_schema: schemas of a study. Internal to report. */
#pragma once

#include "report/study.h"

extern const Schema study_schema, study_scale_schema;
