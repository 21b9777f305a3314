/* calibrate_fit: see calibrate_fit.h. */
#include "run/calibrate_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MOST = 20, SWEEPS = 4000, ROUNDS = 30 };

/* Intensities nearer than this are one point: less than from four rows to five, where kernels change. */
static const double point_ratio = 1.16;

/* --- arithmetic --------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double fit_quantile(double *values, int64_t count, double share) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    double at = share * (double)(count - 1);
    int64_t low = (int64_t)at, high = low + 1 < count ? low + 1 : low;
    return values[low] + (values[high] - values[low]) * (at - (double)low);
}

/* Coordinate descent on the normal equations, columns scaled to length 1: each step is exact for its coordinate, so
 * the sum never grows, and it ends at the one minimum. */
void fit_nonnegative(Arena *arena, const double *a, const double *b, int64_t rows, int64_t columns,
                     double *x) {
    double *scale = ARENA_ARRAY(arena, columns, double);
    double *products = ARENA_ARRAY(arena, columns * columns, double);
    double *gradient = ARENA_ARRAY(arena, columns, double); /* A^T (A x - b), scaled */
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t r = 0; r < rows; r++)
            scale[i] += a[r * columns + i] * a[r * columns + i];
        scale[i] = scale[i] > 0 ? 1 / sqrt(scale[i]) : 0;
        x[i] = 0;
    }
    for (int64_t i = 0; i < columns; i++) {
        for (int64_t r = 0; r < rows; r++)
            gradient[i] -= a[r * columns + i] * scale[i] * b[r];
        for (int64_t k = 0; k < columns; k++)
            for (int64_t r = 0; r < rows; r++)
                products[i * columns + k] +=
                    a[r * columns + i] * scale[i] * a[r * columns + k] * scale[k];
    }
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double moved = 0;
        for (int64_t i = 0; i < columns; i++) {
            double step = fmax(-gradient[i], -x[i]);
            if (scale[i] == 0 || step == 0)
                continue;
            x[i] += step;
            moved = fmax(moved, fabs(step));
            for (int64_t k = 0; k < columns; k++)
                gradient[k] += step * products[k * columns + i];
        }
        if (moved < 1e-12)
            break;
    }
    for (int64_t i = 0; i < columns; i++)
        x[i] *= scale[i];
}

/* Fit seconds as a sum of columns, by relative error. Errors over one and a half times the median one count by their
 * size, not by its square (Huber 1964), so that a run that was disturbed does not bend the line. */
static void fit_robust(Arena *arena, const double *columns_of, const double *seconds, int64_t rows,
                       int64_t columns, double *x) {
    double *a = ARENA_ARRAY(arena, rows * columns, double), *b = ARENA_ARRAY(arena, rows, double);
    double *weights = ARENA_ARRAY(arena, rows, double), *errors = ARENA_ARRAY(arena, rows, double);
    double *sorted = ARENA_ARRAY(arena, rows, double);
    for (int64_t r = 0; r < rows; r++)
        weights[r] = 1;
    for (int round = 0; round < ROUNDS; round++) {
        for (int64_t r = 0; r < rows; r++) {
            double weight = sqrt(weights[r]);
            b[r] = weight;
            for (int64_t i = 0; i < columns; i++)
                a[r * columns + i] = columns_of[r * columns + i] / seconds[r] * weight;
        }
        fit_nonnegative(arena, a, b, rows, columns, x);
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0;
            for (int64_t i = 0; i < columns; i++)
                sum += columns_of[r * columns + i] * x[i];
            sorted[r] = errors[r] = fabs(sum / seconds[r] - 1);
        }
        double near = 1.5 * fit_quantile(sorted, rows, 0.5) + 1e-3;
        for (int64_t r = 0; r < rows; r++)
            weights[r] = errors[r] > near ? near / errors[r] : 1;
    }
}

/* --- kernels ------------------------------------------------------------------------------------------ */

static double intensity_of(const FitSample *sample) {
    return sample->work.bytes > 0 ? sample->work.flops / sample->work.bytes : 0;
}

/* Points where there are samples: those within a ratio become one, at their geometric mean. */
static void place_points(Arena *arena, const FitSample **samples, int64_t count,
                         MeasuredKernel *row) {
    double *sorted = ARENA_ARRAY(arena, count, double), ratio = point_ratio;
    int64_t some = 0;
    for (int64_t i = 0; i < count; i++)
        if (samples[i]->work.bytes > 0)
            sorted[some++] = fmax(intensity_of(samples[i]), 1e-6);
    qsort(sorted, (size_t)some, sizeof *sorted, by_value);
    do {
        row->points.count = 0;
        for (int64_t i = 0, end; i < some; i = end) {
            double sum = 0;
            for (end = i; end < some && sorted[end] <= sorted[i] * ratio; end++)
                sum += log(sorted[end]);
            MeasuredPoint *point = LIST_PUSH(arena, &row->points);
            point->intensity = exp(sum / (double)(end - i));
        }
        ratio *= point_ratio;
    } while (row->points.count > POINTS_MOST);
}

static int64_t take_samples(Arena *arena, const FitSample *samples, int64_t count, int64_t without,
                            const FitSample ***taken) {
    int64_t some = 0;
    *taken = ARENA_ARRAY(arena, count, const FitSample *);
    for (int64_t i = 0; i < count; i++)
        if (samples[i].program != without && samples[i].seconds > 0)
            (*taken)[some++] = &samples[i];
    return some;
}

void fit_kernel(Arena *arena, const FitSample *samples, int64_t count, int64_t without,
                MeasuredKernel *row) {
    const FitSample **taken;
    int64_t some = take_samples(arena, samples, count, without, &taken);
    row->seconds = row->per_element = 0;
    memset(&row->points, 0, sizeof row->points);
    place_points(arena, taken, some, row);
    int64_t points = row->points.count, columns = 2 + points;
    double *a = ARENA_ARRAY(arena, some * columns, double);
    double *seconds = ARENA_ARRAY(arena, some, double), *x = ARENA_ARRAY(arena, columns, double);
    for (int64_t r = 0; r < some; r++) {
        double *line = a + r * columns;
        measured_shares(row, intensity_of(taken[r]), line + 2);
        for (int64_t p = 0; p < points; p++)
            line[2 + p] *= taken[r]->work.bytes;
        line[0] = 1;
        line[1] = taken[r]->work.elements;
        seconds[r] = taken[r]->seconds;
    }
    if (some)
        fit_robust(arena, a, seconds, some, columns, x);
    row->seconds = x[0];
    row->per_element = x[1];
    for (int64_t p = 0; p < points; p++)
        row->points.items[p].per_byte = x[2 + p];
}

void fit_move(Arena *arena, const FitSample *samples, int64_t count, int64_t without,
              MeasuredMove *row) {
    const FitSample **taken;
    int64_t some = take_samples(arena, samples, count, without, &taken);
    double *a = ARENA_ARRAY(arena, some * 2, double), x[2] = {0};
    double *seconds = ARENA_ARRAY(arena, some, double);
    for (int64_t r = 0; r < some; r++) {
        a[2 * r] = 1;
        a[2 * r + 1] = taken[r]->work.bytes;
        seconds[r] = taken[r]->seconds;
    }
    if (some)
        fit_robust(arena, a, seconds, some, 2, x);
    row->seconds = x[0];
    row->per_byte = x[1];
}
