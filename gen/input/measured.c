/* measured: see measured.h. */
#include "input/measured.h"

#include <math.h>
#include <string.h>

#define AT(type, member) .offset = offsetof(type, member)
#define NOT_NEGATIVE .min = 0, .max = INFINITY

static const Field point_fields[] = {
    {.name = "intensity",
     .type = FIELD_REAL,
     AT(MeasuredPoint, intensity),
     NOT_NEGATIVE,
     .doc = "[FLOP/byte]"},
    {.name = "per_byte",
     .type = FIELD_REAL,
     AT(MeasuredPoint, per_byte),
     NOT_NEGATIVE,
     .doc = "what a byte costs there [s]"},
    {0},
};

static const Schema point_schema = {
    .name = "MeasuredPoint",
    .doc = "What a byte costs at an intensity.",
    .size = sizeof(MeasuredPoint),
    .fields = point_fields,
};

static const Field kernel_fields[] = {
    {.name = "kind", .type = FIELD_TEXT, AT(MeasuredKernel, kind), .doc = "of the operation"},
    {.name = "ranks",
     .type = FIELD_INT,
     AT(MeasuredKernel, ranks),
     .min = 1,
     .max = 1 << 20,
     .doc = "that ran at once on the machine"},
    {.name = "seconds",
     .type = FIELD_REAL,
     AT(MeasuredKernel, seconds),
     NOT_NEGATIVE,
     .doc = "of each operation [s]"},
    {.name = "per_element",
     .type = FIELD_REAL,
     AT(MeasuredKernel, per_element),
     .fallback = "0",
     NOT_NEGATIVE,
     .doc = "of each value that passes a softmax or an activation [s]"},
    {.name = "points",
     .type = FIELD_LIST,
     AT(MeasuredKernel, points),
     .fallback = "",
     .of = &point_schema,
     .doc = "what a byte costs, by FLOPs a byte, ascending"},
    {.name = "low",
     .type = FIELD_REAL,
     AT(MeasuredKernel, low),
     .max = 1,
     .doc = "times what is expected: the interval begins"},
    {.name = "high",
     .type = FIELD_REAL,
     AT(MeasuredKernel, high),
     .min = 1,
     .max = INFINITY,
     .doc = "times what is expected: it ends"},
    {0},
};

static const Schema kernel_schema = {
    .name = "MeasuredKernel",
    .doc = "What a kind of kernel costs.",
    .size = sizeof(MeasuredKernel),
    .fields = kernel_fields,
};

static const Field move_fields[] = {
    {.name = "kind", .type = FIELD_TEXT, AT(MeasuredMove, kind), .doc = "of the operation"},
    {.name = "ranks",
     .type = FIELD_INT,
     AT(MeasuredMove, ranks),
     .min = 1,
     .max = 1 << 20,
     .doc = "that ran at once on the machine"},
    {.name = "seconds",
     .type = FIELD_REAL,
     AT(MeasuredMove, seconds),
     NOT_NEGATIVE,
     .doc = "of each move, once all are there [s]"},
    {.name = "per_byte",
     .type = FIELD_REAL,
     AT(MeasuredMove, per_byte),
     NOT_NEGATIVE,
     .doc = "of what the busiest rank sends or gets [s]"},
    {.name = "low",
     .type = FIELD_REAL,
     AT(MeasuredMove, low),
     .max = 1,
     .doc = "times what is expected: the interval begins"},
    {.name = "high",
     .type = FIELD_REAL,
     AT(MeasuredMove, high),
     .min = 1,
     .max = INFINITY,
     .doc = "times what is expected: it ends"},
    {0},
};

static const Schema move_schema = {
    .name = "MeasuredMove",
    .doc = "What a kind of move costs.",
    .size = sizeof(MeasuredMove),
    .fields = move_fields,
};

static const Field measured_fields[] = {
    {.name = "processor",
     .type = FIELD_TEXT,
     AT(Measured, processor),
     .fallback = "",
     .doc = "of the machine, as its system names it"},
    {.name = "cores",
     .type = FIELD_INT,
     AT(Measured, cores),
     .fallback = "0",
     .max = 1 << 20,
     .doc = "that programs could use"},
    {.name = "dtype",
     .type = FIELD_TEXT,
     AT(Measured, dtype),
     .fallback = "",
     .doc = "of the elements"},
    {.name = "kernels",
     .type = FIELD_LIST,
     AT(Measured, kernels),
     .fallback = "",
     .of = &kernel_schema,
     .doc = "by kind and ranks"},
    {.name = "moves",
     .type = FIELD_LIST,
     AT(Measured, moves),
     .fallback = "",
     .of = &move_schema,
     .doc = "by kind and ranks"},
    {0},
};

const Schema measured_schema = {
    .name = "Measured",
    .doc = "What operations cost on a machine, written by gen calibrate.",
    .size = sizeof(Measured),
    .fields = measured_fields,
};

/* --- what a byte costs -------------------------------------------------------------------------------- */

void measured_shares(const MeasuredKernel *kernel, double intensity, double *shares) {
    int64_t count = kernel->points.count, after = 0;
    const MeasuredPoint *points = kernel->points.items;
    for (int64_t i = 0; i < count; i++)
        shares[i] = 0;
    if (!count)
        return;
    while (after < count && points[after].intensity <= intensity)
        after++;
    if (after == 0) {
        shares[0] = 1;
    } else if (after == count) {
        double last = points[count - 1].intensity;
        shares[count - 1] = last > 0 ? intensity / last : 1;
    } else {
        double low = points[after - 1].intensity, high = points[after].intensity;
        double share = low > 0 ? log(intensity / low) / log(high / low) : 1;
        shares[after - 1] = 1 - share;
        shares[after] = share;
    }
}

double measured_seconds(const MeasuredKernel *kernel, const MeasuredWork *work) {
    double seconds = kernel->seconds + kernel->per_element * work->elements;
    if (work->bytes <= 0)
        return seconds;
    double intensity = work->flops / work->bytes;
    int64_t count = kernel->points.count, after = 0;
    const MeasuredPoint *points = kernel->points.items;
    while (after < count && points[after].intensity <= intensity)
        after++;
    int64_t first = after > 0 ? after - 1 : 0, end = after < count ? after + 1 : count;
    MeasuredKernel near = {.points = {.items = kernel->points.items + first, .count = end - first}};
    double shares[2] = {0};
    measured_shares(&near, intensity, shares);
    for (int64_t i = first; i < end; i++)
        seconds += shares[i - first] * points[i].per_byte * work->bytes;
    return seconds;
}

/* --- looking up --------------------------------------------------------------------------------------- */

/* Whether rows for `one` ranks are nearer to what is wanted than those for `other`. */
static bool nearer(int64_t one, int64_t other, int64_t ranks) {
    if ((one <= ranks) != (other <= ranks))
        return one <= ranks;
    return one <= ranks ? one > other : one < other;
}

const MeasuredKernel *measured_kernel(const Measured *measured, const char *kind, int64_t ranks) {
    const MeasuredKernel *best = NULL;
    for (int64_t i = 0; i < measured->kernels.count; i++) {
        const MeasuredKernel *row = &measured->kernels.items[i];
        if (strcmp(row->kind, kind) == 0 && (!best || nearer(row->ranks, best->ranks, ranks)))
            best = row;
    }
    return best;
}

const MeasuredMove *measured_move(const Measured *measured, const char *kind, int64_t ranks) {
    const MeasuredMove *best = NULL;
    for (int64_t i = 0; i < measured->moves.count; i++) {
        const MeasuredMove *row = &measured->moves.items[i];
        if (strcmp(row->kind, kind) == 0 && (!best || nearer(row->ranks, best->ranks, ranks)))
            best = row;
    }
    return best;
}

double measured_sharing(const Measured *measured, int64_t ranks) {
    return measured->cores > 0 && ranks > measured->cores ? (double)ranks / (double)measured->cores
                                                          : 1;
}

Status measured_check(const Measured *measured, DiagPlace place, Diag *diag) {
    for (int64_t i = 0; i < measured->kernels.count; i++) {
        const MeasuredKernel *kernel = &measured->kernels.items[i];
        for (int64_t p = 1; p < kernel->points.count; p++)
            if (kernel->points.items[p].intensity <= kernel->points.items[p - 1].intensity)
                return diag_error(diag, place, "E0316", "make the topology again: gen calibrate",
                                  "the points of %s do not ascend by intensity", kernel->kind);
    }
    return STATUS_OK;
}
