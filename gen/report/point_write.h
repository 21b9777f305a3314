/* point_write: a point as JSON. */
#pragma once

#include "base/jsonw.h"
#include "report/point.h"

#include <stdlib.h>
#include <string.h>

/* Members batch to word of the object that is open; figures in SI, null where there are none. */
void point_json(const Point *point, Jsonw *json);

/* {expected, high, low} */
void point_json_cases(Jsonw *json, const double cases[PLANNER_CASES]);
