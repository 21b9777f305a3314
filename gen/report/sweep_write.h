/* sweep_write: a sweep for people and scripts: table and map as text, JSON, CSV, an SVG picture of the map, and a page
 * with all of them. The map shows the best strategy by the first two keys, once for each combination of the others. */
#pragma once

#include "base/jsonw.h"
#include "report/sweep.h"

void sweep_text(const Sweep *sweep, Buf *out);
void sweep_json(const Sweep *sweep, Jsonw *json); /* one object */
void sweep_csv(const Sweep *sweep, Buf *out);
void sweep_svg(const Sweep *sweep, Buf *out);
Status sweep_page(const Sweep *sweep, const char *share, Buf *out, Diag *diag);

/* Rows, columns and panels of the map. */
typedef struct SweepMap {
    int64_t rows, columns, panels;
    int64_t row_key, column_key; /* -1: there is but one */
} SweepMap;
SweepMap sweep_map(const Sweep *sweep);
const SweepCell *sweep_map_cell(const Sweep *sweep, int64_t panel, int64_t row, int64_t column);
/* "experts 16, nics 4" of a panel; "" if there is but one. Into `out`. */
void sweep_map_panel(const Sweep *sweep, int64_t panel, Buf *out);
