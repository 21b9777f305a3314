/* math: see math.h. Owns nothing. */
#include "reference/math.h"

#include <math.h>
#include <string.h>

/* --- matrix products: four rows share a pass over a weight row, four sums each ---------------- */

enum { LANES = 4, BLOCK_ROWS = 4 };
typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));
typedef float Singles __attribute__((vector_size(LANES * sizeof(float))));

typedef struct Linear {
    const float *weight, *bias;
    int64_t outputs, inputs, rows;
    const double *in;
    double *out;
} Linear;

/* Dot products of one weight row with `rows` <= BLOCK_ROWS rows of `in`. */
static inline void dot_block(const float *weight, const double *in, int64_t inputs, int64_t rows,
                             double sums[BLOCK_ROWS]) {
    Lanes lanes[BLOCK_ROWS] = {0};
    int64_t i = 0;
    for (; i + LANES <= inputs; i += LANES) {
        Singles w;
        memcpy(&w, weight + i, sizeof w);
        Lanes wide = __builtin_convertvector(w, Lanes);
        for (int64_t r = 0; r < rows; r++) {
            Lanes x;
            memcpy(&x, in + r * inputs + i, sizeof x);
            lanes[r] += wide * x;
        }
    }
    for (int64_t r = 0; r < rows; r++) {
        sums[r] = lanes[r][0] + lanes[r][1] + lanes[r][2] + lanes[r][3];
        for (int64_t k = i; k < inputs; k++)
            sums[r] += (double)weight[k] * in[r * inputs + k];
    }
}

static void linear_outputs(void *context, int64_t begin, int64_t end) {
    const Linear *job = context;
    for (int64_t o = begin; o < end; o++) {
        const float *weight = job->weight + o * job->inputs;
        double bias = job->bias ? (double)job->bias[o] : 0.0;
        for (int64_t row = 0; row < job->rows; row += BLOCK_ROWS) {
            int64_t rows = job->rows - row < BLOCK_ROWS ? job->rows - row : BLOCK_ROWS;
            const double *in = job->in + row * job->inputs;
            double sums[BLOCK_ROWS];
            if (rows == BLOCK_ROWS) /* a constant count unrolls */
                dot_block(weight, in, job->inputs, BLOCK_ROWS, sums);
            else
                dot_block(weight, in, job->inputs, rows, sums);
            for (int64_t r = 0; r < rows; r++)
                job->out[(row + r) * job->outputs + o] = sums[r] + bias;
        }
    }
}

void math_linear(Parallel *parallel, const float *weight, const float *bias, int64_t outputs,
                 int64_t inputs, const double *in, int64_t rows, double *out) {
    Linear job = {weight, bias, outputs, inputs, rows, in, out};
    parallel_for(parallel, outputs, linear_outputs, &job);
}

/* --- rows ------------------------------------------------------------------------------------- */

void math_rms_norm(const double *in, const float *weight, double eps, int64_t size, double *out) {
    double squares = 0;
    for (int64_t i = 0; i < size; i++)
        squares += in[i] * in[i];
    double scale = 1.0 / sqrt(squares / (double)size + eps);
    for (int64_t i = 0; i < size; i++)
        out[i] = in[i] * scale * (double)weight[i];
}

void math_layer_norm(const double *in, const float *weight, const float *bias, double eps,
                     int64_t size, double *out) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < size; i++)
        mean += in[i] / (double)size;
    for (int64_t i = 0; i < size; i++)
        variance += (in[i] - mean) * (in[i] - mean) / (double)size;
    double scale = 1.0 / sqrt(variance + eps);
    for (int64_t i = 0; i < size; i++)
        out[i] = (in[i] - mean) * scale * (double)weight[i] + (double)bias[i];
}

/* The pair, counted in fractions, that turns `turns` times over the positions of training. */
static double pair_of_turns(const Model *model, double turns) {
    double length = (double)model->rope_scaling.original_positions;
    return (double)model->rope_dim * log(length / (turns * 2 * M_PI)) /
           (2 * log(model->rope_theta));
}

/* How far pair i is stretched: 0 as trained, 1 in full. Pairs between the two bounds are mixed. */
static double stretch(const Model *model, int64_t pair) {
    if (model->rope_scaling.kind != ROPE_YARN)
        return model->rope_scaling.kind == ROPE_LINEAR ? 1 : 0;
    double low = fmax(floor(pair_of_turns(model, model->rope_scaling.beta_fast)), 0);
    double high = fmin(ceil(pair_of_turns(model, model->rope_scaling.beta_slow)),
                       (double)(model->rope_dim - 1));
    double width = high == low ? 0.001 : high - low;
    return fmin(fmax(((double)pair - low) / width, 0), 1);
}

void math_rope(const Model *model, double *values, int64_t position) {
    int64_t pairs = model->rope_dim / 2;
    double amplitude = model->rope_scaling.amplitude;
    for (int64_t i = 0; i < pairs; i++) {
        double part = stretch(model, i);
        double frequency = pow(model->rope_theta, -2.0 * (double)i / (double)model->rope_dim);
        frequency = frequency * (1 - part) + frequency / model->rope_scaling.factor * part;
        double angle = (double)position * frequency;
        double *first = values + (model->rope_interleave ? 2 * i : i);
        double *second = first + (model->rope_interleave ? 1 : pairs);
        double a = *first, b = *second;
        *first = amplitude * (a * cos(angle) - b * sin(angle));
        *second = amplitude * (b * cos(angle) + a * sin(angle));
    }
}

double math_activation(ModelActivation activation, double value) {
    switch (activation) {
    case ACTIVATION_SILU:
        return value / (1.0 + exp(-value));
    case ACTIVATION_GELU:
        return 0.5 * value * (1.0 + erf(value * M_SQRT1_2));
    case ACTIVATION_GELU_TANH:
        break;
    }
    return 0.5 * value *
           (1.0 + tanh(M_2_SQRTPI * M_SQRT1_2 * (value + 0.044715 * value * value * value)));
}

void math_softmax(double *values, int64_t count) {
    double largest = values[0], sum = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > largest)
            largest = values[i];
    for (int64_t i = 0; i < count; i++) {
        values[i] = exp(values[i] - largest);
        sum += values[i];
    }
    for (int64_t i = 0; i < count; i++)
        values[i] /= sum;
}

void math_sigmoid(double *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        values[i] = 1 / (1 + exp(-values[i]));
}
