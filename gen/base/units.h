/* units: quantities as people write them, "80 GB", "200 Gb/s", "5 us", "312 TFLOP/s". A number
 * without a unit is never guessed at. It knows neither fields nor diagnostics. */
#pragma once

#include <stdbool.h>

typedef enum Quantity {
    QUANTITY_BYTES,
    QUANTITY_BANDWIDTH, /* [bytes/s]; small b is bits */
    QUANTITY_TIME,      /* [s] */
    QUANTITY_FLOPS,     /* [1/s] */
} Quantity;

typedef enum UnitsResult {
    UNITS_OK,
    UNITS_NO_NUMBER,
    UNITS_NO_UNIT,
    UNITS_UNKNOWN_UNIT
} UnitsResult;

enum { UNITS_TEXT = 48, UNITS_HELP = 160 };

/* Parse all of `text` into `value` in the base unit. With UNITS_NO_UNIT, *value is the bare
 * number. */
UnitsResult units_parse(Quantity quantity, const char *text, double *value);

/* Shortest text with a unit that units_parse reads back as exactly `value`. */
void units_format(Quantity quantity, double value, char text[UNITS_TEXT]);

/* What to write instead of the bare `number`, e.g. "write 80 GB (10^9 bytes) or 80 GiB (2^30
 * bytes)". */
void units_cure(Quantity quantity, double number, char help[UNITS_HELP]);

/* All units of a quantity, separated by commas. */
void units_list(Quantity quantity, char help[UNITS_HELP]);
