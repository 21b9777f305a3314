/* units: see units.h. One table; a value is number x factor / divisor, so that 5 us is the double
 * nearest to 5e-6 and 200 Gb/s exactly 25e9 bytes/s. */
#include "base/units.h"

#include "base/jsonw.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct Unit {
    Quantity quantity;
    const char *name;
    double factor, divisor;
    bool written; /* units_format may choose it */
} Unit;

/* Within a quantity, units that may be written stand from the largest to the base unit. */
static const Unit units[] = {
    {QUANTITY_BYTES, "TiB", 0x1p40, 1, true},
    {QUANTITY_BYTES, "TB", 1e12, 1, true},
    {QUANTITY_BYTES, "GiB", 0x1p30, 1, true},
    {QUANTITY_BYTES, "GB", 1e9, 1, true},
    {QUANTITY_BYTES, "MiB", 0x1p20, 1, true},
    {QUANTITY_BYTES, "MB", 1e6, 1, true},
    {QUANTITY_BYTES, "KiB", 0x1p10, 1, true},
    {QUANTITY_BYTES, "kB", 1e3, 1, true},
    {QUANTITY_BYTES, "B", 1, 1, true},
    {QUANTITY_BANDWIDTH, "TB/s", 1e12, 1, true},
    {QUANTITY_BANDWIDTH, "GB/s", 1e9, 1, true},
    {QUANTITY_BANDWIDTH, "MB/s", 1e6, 1, true},
    {QUANTITY_BANDWIDTH, "kB/s", 1e3, 1, true},
    {QUANTITY_BANDWIDTH, "B/s", 1, 1, true},
    {QUANTITY_BANDWIDTH, "Tb/s", 1e12, 8, false},
    {QUANTITY_BANDWIDTH, "Gb/s", 1e9, 8, false},
    {QUANTITY_BANDWIDTH, "Mb/s", 1e6, 8, false},
    {QUANTITY_BANDWIDTH, "kb/s", 1e3, 8, false},
    {QUANTITY_BANDWIDTH, "GiB/s", 0x1p30, 1, false},
    {QUANTITY_BANDWIDTH, "MiB/s", 0x1p20, 1, false},
    {QUANTITY_TIME, "s", 1, 1, true},
    {QUANTITY_TIME, "ms", 1, 1e3, true},
    {QUANTITY_TIME, "us", 1, 1e6, true},
    {QUANTITY_TIME, "ns", 1, 1e9, true},
    {QUANTITY_FLOPS, "PFLOP/s", 1e15, 1, true},
    {QUANTITY_FLOPS, "TFLOP/s", 1e12, 1, true},
    {QUANTITY_FLOPS, "GFLOP/s", 1e9, 1, true},
    {QUANTITY_FLOPS, "MFLOP/s", 1e6, 1, true},
    {QUANTITY_FLOPS, "FLOP/s", 1, 1, true},
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* The unit in which each value can be written without loss: its factor and divisor are 1. */
static const char *const base_units[] = {"B", "B/s", "s", "FLOP/s"};

UnitsResult units_parse(Quantity quantity, const char *text, double *value) {
    int length = number_length(text);
    if (!length)
        return UNITS_NO_NUMBER;
    const char *name = text + length;
    name += strspn(name, " ");
    *value = number_to_real(text);
    if (!*name)
        return UNITS_NO_UNIT;
    for (int i = 0; i < UNITS; i++)
        if (units[i].quantity == quantity && strcmp(units[i].name, name) == 0) {
            *value = *value * units[i].factor / units[i].divisor;
            return UNITS_OK;
        }
    return UNITS_UNKNOWN_UNIT;
}

/* The shortest of the texts that read back exactly; of equally short ones that with the largest
 * unit. */
void units_format(Quantity quantity, double value, char text[UNITS_TEXT]) {
    char number[32], candidate[UNITS_TEXT];
    jsonw_format_real(number, value);
    snprintf(text, UNITS_TEXT, "%s %s", number, base_units[quantity]);
    if (value == 0)
        return;
    size_t shortest = SIZE_MAX;
    for (int i = 0; i < UNITS; i++) {
        if (units[i].quantity != quantity || !units[i].written)
            continue;
        double scaled = value * units[i].divisor / units[i].factor, back;
        jsonw_format_real(number, scaled);
        snprintf(candidate, UNITS_TEXT, "%s %s", number, units[i].name);
        bool exact = units_parse(quantity, candidate, &back) == UNITS_OK && back == value;
        bool plain = fabs(scaled) >= 1 && !strchr(number, 'e');
        if (exact && plain && strlen(number) < shortest) {
            shortest = strlen(number);
            strcpy(text, candidate);
        }
    }
}

/* Rates of ports by their trade names: who writes a bare 200 has read "HDR 200". */
static const struct {
    double gigabits;
    const char *name;
} ports[] = {{100, "EDR"}, {200, "HDR"}, {400, "NDR"}, {800, "XDR"}};

void units_cure(Quantity quantity, double number, char help[UNITS_HELP]) {
    char n[32];
    jsonw_format_real(n, number);
    switch (quantity) {
    case QUANTITY_BYTES:
        snprintf(help, UNITS_HELP, "write %s GB (10^9 bytes) or %s GiB (2^30 bytes)", n, n);
        break;
    case QUANTITY_TIME:
        snprintf(help, UNITS_HELP, "write %s us, %s ms or %s s", n, n, n);
        break;
    case QUANTITY_FLOPS:
        snprintf(help, UNITS_HELP, "write %s TFLOP/s", n);
        break;
    case QUANTITY_BANDWIDTH:
        for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
            if (ports[i].gigabits == number) {
                snprintf(help, UNITS_HELP, "write %s Gb/s (InfiniBand %s) or %s GB/s", n,
                         ports[i].name, n);
                return;
            }
        snprintf(help, UNITS_HELP, "write %s Gb/s (bits) or %s GB/s (bytes)", n, n);
        break;
    }
}

void units_list(Quantity quantity, char help[UNITS_HELP]) {
    int length = snprintf(help, UNITS_HELP, "units are ");
    bool first = true;
    for (int i = 0; i < UNITS; i++)
        if (units[i].quantity == quantity) {
            length += snprintf(help + length, (size_t)(UNITS_HELP - length), "%s%s",
                               first ? "" : ", ", units[i].name);
            first = false;
        }
}
