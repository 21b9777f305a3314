/* number: reading numbers from text, strictly and whatever the locale. It knows neither fields nor
 * diagnostics: callers say what was meant. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A whole decimal integer, all of `text`: optional minus, digits. On overflow returns false and
 * sets *overflow. */
bool number_parse_int(const char *text, int64_t *value, bool *overflow);

/* Length of the decimal number (12, -0.5, .5, 1e-4) that `text` begins with; 0 if there is none. */
int number_length(const char *text);

/* The decimal number that fills all of `text`; infinities, NaN and hexadecimals are refused. */
bool number_parse_real(const char *text, double *value);

/* Like strtod on a number that number_length accepted, with '.' in every locale. */
double number_to_real(const char *text);
