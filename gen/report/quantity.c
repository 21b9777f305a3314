/* quantity: see quantity.h. */
#include "report/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Family {
    const char *unit;
    QuantityScale scales[6]; /* largest first; the last one has no lower end */
} Family;

static const Family families[] = {
    {"s", {{"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}}},
    {"B", {{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}}},
    {"B/s", {{"TB/s", 1e12}, {"GB/s", 1e9}, {"MB/s", 1e6}, {"kB/s", 1e3}, {"B/s", 1}}},
    {"J", {{"J", 1}, {"mJ", 1e-3}, {"uJ", 1e-6}}},
    {"W", {{"kW", 1e3}, {"W", 1}, {"mW", 1e-3}}},
    {"FLOP/s", {{"PFLOP/s", 1e15}, {"TFLOP/s", 1e12}, {"GFLOP/s", 1e9}}},
    {"%", {{"%", 1e-2}}},
    {"x", {{"x", 1}}},
    {"-", {{"", 1}}},
};

QuantityScale quantity_scale(const char *unit, double value) {
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        if (strcmp(families[f].unit, unit) != 0)
            continue;
        const QuantityScale *scale = families[f].scales;
        if (value == 0) {
            while (scale->size != 1 && scale[1].name)
                scale++;
            return *scale;
        }
        while (scale[1].name && fabs(value) < scale->size * 0.9995)
            scale++;
        return *scale;
    }
    return (QuantityScale){unit, 1};
}

/* Digits of a whole number in groups of three. */
static void grouped(double value, Buf *out) {
    char text[64];
    int length = snprintf(text, sizeof text, "%.0f", fabs(value));
    if (value < 0)
        buf_putc(out, '-');
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            buf_putc(out, ',');
        buf_putc(out, text[i]);
    }
}

void quantity_number(double value, Buf *out) {
    double size = fabs(value);
    if (!isfinite(value)) {
        buf_puts(out, "-");
    } else if (value == 0) {
        buf_puts(out, "0");
    } else if (size >= 999.5) {
        grouped(value, out);
    } else if (size < 1e-3) {
        buf_printf(out, "%.2e", value);
    } else {
        int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
        for (double least = 0.9995; size < least && digits < 6; least /= 10)
            digits++;
        buf_printf(out, "%.*f", digits, value);
    }
}

static void unit_name(QuantityScale scale, Buf *out) {
    if (*scale.name)
        buf_printf(out, " %s", scale.name);
}

void quantity_text(const char *unit, double value, Buf *out) {
    QuantityScale scale = quantity_scale(unit, value);
    quantity_number(value / scale.size, out);
    unit_name(scale, out);
}

void quantity_interval(const char *unit, const double cases[3], Buf *out) {
    QuantityScale scale = quantity_scale(unit, cases[1]);
    quantity_number(cases[1] / scale.size, out);
    unit_name(scale, out);
    if (cases[0] == cases[1] && cases[1] == cases[2])
        return;
    buf_puts(out, " [");
    quantity_number(cases[0] / scale.size, out);
    buf_puts(out, "..");
    quantity_number(cases[2] / scale.size, out);
    buf_puts(out, "]");
}
