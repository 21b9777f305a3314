/* quantity: figures as people read them, three significant digits, in a unit that suits their size. Independent of
 * locale. */
#pragma once

#include "base/buf.h"

/* A unit in SI (s, B, B/s, J, W, %, tokens/s, x, -) in which a value is written: its name and size. */
typedef struct QuantityScale {
    const char *name; /* "ms"; "" for plain numbers */
    double size;
} QuantityScale;

QuantityScale quantity_scale(const char *unit, double value);

/* The number alone: "1.82", "13,300", "0". */
void quantity_number(double value, Buf *out);

/* "1.82 ms" */
void quantity_text(const char *unit, double value, Buf *out);

/* "1.82 ms [1.35..3.70]"; without brackets where the three are equal. */
void quantity_interval(const char *unit, const double cases[3], Buf *out);
