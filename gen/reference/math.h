/* math: the arithmetic of the reference model in double precision: plain definitions, written to
 * be believed. Weights are float (exact values of the stored type), activations double, rows
 * contiguous. */
#pragma once

#include "input/model.h"
#include "reference/parallel.h"

/* out[rows][outputs] = in[rows][inputs] x weight[outputs][inputs]^T + bias (NULL: none). */
void math_linear(Parallel *parallel, const float *weight, const float *bias, int64_t outputs,
                 int64_t inputs, const double *in, int64_t rows, double *out);

/* One row of `size` values; bias is NULL for rms. */
void math_rms_norm(const double *in, const float *weight, double eps, int64_t size, double *out);
void math_layer_norm(const double *in, const float *weight, const float *bias, double eps,
                     int64_t size, double *out);

/* Rotate the model's rope_dim values in place: value i with value i + rope_dim / 2, or neighbours 2 i and 2 i + 1, by
 * position x theta^(-2 i / rope_dim), as the model's scaling changes that. */
void math_rope(const Model *model, double *values, int64_t position);

double math_activation(ModelActivation activation, double value);

/* In place, with the largest value taken off first. */
void math_softmax(double *values, int64_t count);

/* Each by itself, in place. */
void math_sigmoid(double *values, int64_t count);
