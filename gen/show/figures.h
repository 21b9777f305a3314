/* figures: what follows from a plan, as named numbers with their intervals, in one order for all plans.
 * Names lie in the caller's arena. Private to gen/show. */
#pragma once

#include "diff.h"

typedef enum FigureUnit { FIGURE_SECONDS, FIGURE_RATE, FIGURE_BYTES, FIGURE_COUNT } FigureUnit;
extern const char *const figure_unit_names[];

typedef struct Figure {
    const char *what;
    FigureUnit unit;
    double value[COST_CASES]; /* equal where there is no interval; NAN: not known */
} Figure;

typedef LIST_OF(Figure) Figures;

Figures figures_of(Arena *arena, const DiffSide *side);
/* "1.62 ms", "212 GB", "1,024/s" */
void figures_words(FigureUnit unit, double value, Buf *out);
