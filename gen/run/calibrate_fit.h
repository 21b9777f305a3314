/* calibrate_fit: from samples to what a kind of operation costs: non-negative least squares of the relative error,
 * in which samples that lie far off count less. Pure arithmetic, the same on every run; lists lie in the caller's
 * arena. It knows neither programs nor files. */
#pragma once

#include "input/measured.h"

typedef struct FitSample {
    MeasuredWork work;
    double seconds;
    int64_t program; /* samples of one were measured together */
} FitSample;

/* Points, seconds and per_element of the row; the rest is left as it is. `without`: a program whose samples are left
 * out, -1: none. */
void fit_kernel(Arena *arena, const FitSample *samples, int64_t count, int64_t without,
                MeasuredKernel *row);

/* The same for a move: bytes and seconds alone. */
void fit_move(Arena *arena, const FitSample *samples, int64_t count, int64_t without,
              MeasuredMove *row);

/* x >= 0 that makes the sum of (A x - b)^2 over `rows` least; A is [rows][columns]. */
void fit_nonnegative(Arena *arena, const double *a, const double *b, int64_t rows, int64_t columns,
                     double *x);

/* The value below which this share of the values lie; sorts them. */
double fit_quantile(double *values, int64_t count, double share);
