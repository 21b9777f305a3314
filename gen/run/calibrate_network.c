/* calibrate_network: see calibrate_network.h. Adam (Kingma and Ba 2015) over small batches, whose step falls to zero
 * along half a cosine. */
#include "run/calibrate_network.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BATCH = 32, INPUTS_MOST = 96 };
static const double first_step = 0.01, keep_mean = 0.9, keep_square = 0.999, tiny = 1e-8;

typedef struct Random {
    uint64_t state;
} Random;

static uint64_t next(Random *random) { /* Steele, Lea and Flood 2014: splitmix64 */
    uint64_t x = random->state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static double uniform(Random *random) { /* within [-1, 1) */
    return (double)(next(random) >> 11) / 4503599627370496.0 - 1;
}

static double *reals(Arena *arena, RealList *list, int64_t count) {
    list->items = ARENA_ARRAY(arena, count, double);
    list->count = list->capacity = count;
    return list->items;
}

/* --- the network --------------------------------------------------------------------------------------- */

/* Values of all layers for one row; values[0] are the scaled inputs. */
typedef struct Values {
    double layer[NETWORK_LAYERS + 1][INPUTS_MOST];
} Values;

static double forward(const CostNetwork *network, const double *inputs, Values *values) {
    int64_t count = network->features.count;
    for (int64_t i = 0; i < count; i++)
        values->layer[0][i] = (inputs[i] - network->mean.items[i]) / network->scale.items[i];
    for (int64_t l = 0; l < NETWORK_LAYERS; l++) {
        const CostLayer *layer = &network->layers.items[l];
        for (int64_t o = 0; o < layer->biases.count; o++) {
            double sum = layer->biases.items[o];
            for (int64_t i = 0; i < count; i++)
                sum += layer->weights.items[o * count + i] * values->layer[l][i];
            values->layer[l + 1][o] = l + 1 < NETWORK_LAYERS ? tanh(sum) : sum;
        }
        count = layer->biases.count;
    }
    return values->layer[NETWORK_LAYERS][0];
}

double network_value(const CostNetwork *network, const double *inputs) {
    Values values;
    return forward(network, inputs, &values);
}

static int64_t inputs_of(const CostNetwork *network, int64_t layer) {
    return layer ? network->layers.items[layer - 1].biases.count : network->features.count;
}

/* Add what the error of one row says of each weight and bias: gradients as one list, layer by layer. */
static void backward(const CostNetwork *network, const Values *values, double error,
                     double *gradient) {
    double slope[INPUTS_MOST] = {error}, below[INPUTS_MOST];
    int64_t end = 0;
    for (int64_t l = 0; l < NETWORK_LAYERS; l++)
        end += network->layers.items[l].weights.count + network->layers.items[l].biases.count;
    for (int64_t l = NETWORK_LAYERS - 1; l >= 0; l--) {
        const CostLayer *layer = &network->layers.items[l];
        int64_t count = inputs_of(network, l), outputs = layer->biases.count;
        end -= layer->weights.count + outputs;
        for (int64_t i = 0; i < count; i++)
            below[i] = 0;
        for (int64_t o = 0; o < outputs; o++) {
            gradient[end + layer->weights.count + o] += slope[o];
            for (int64_t i = 0; i < count; i++) {
                gradient[end + o * count + i] += slope[o] * values->layer[l][i];
                below[i] += slope[o] * layer->weights.items[o * count + i];
            }
        }
        for (int64_t i = 0; l > 0 && i < count; i++) /* tanh' = 1 - tanh^2 */
            slope[i] = below[i] * (1 - values->layer[l][i] * values->layer[l][i]);
    }
}

/* --- fitting ------------------------------------------------------------------------------------------- */

static void begin_scale(Arena *arena, const double *inputs, int64_t rows, CostNetwork *network) {
    int64_t count = network->features.count;
    double *mean = reals(arena, &network->mean, count),
           *scale = reals(arena, &network->scale, count);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t r = 0; r < rows; r++)
            mean[i] += inputs[r * count + i] / (double)rows;
        for (int64_t r = 0; r < rows; r++)
            scale[i] += pow(inputs[r * count + i] - mean[i], 2) / (double)rows;
        scale[i] = scale[i] > 1e-12 ? sqrt(scale[i]) : 1;
    }
}

/* Weights within the root of 3 over the inputs: outputs begin with about the spread of the inputs. */
static void begin_layers(Arena *arena, Random *random, CostNetwork *network) {
    memset(&network->layers, 0, sizeof network->layers);
    for (int64_t l = 0; l < NETWORK_LAYERS; l++) {
        int64_t outputs = l + 1 < NETWORK_LAYERS ? NETWORK_HIDDEN : 1;
        int64_t count = l ? NETWORK_HIDDEN : network->features.count;
        CostLayer *layer = LIST_PUSH(arena, &network->layers);
        double *weights = reals(arena, &layer->weights, outputs * count);
        reals(arena, &layer->biases, outputs);
        for (int64_t i = 0; i < outputs * count; i++)
            weights[i] = uniform(random) * sqrt(3.0 / (double)count);
    }
}

typedef struct Adam {
    int64_t count, steps;
    double *gradient, *mean, *square;
    double **at; /* [count] the weights and biases, in the order of gradients */
} Adam;

static Adam begin_adam(Arena *arena, CostNetwork *network) {
    Adam adam = {0};
    for (int64_t l = 0; l < NETWORK_LAYERS; l++)
        adam.count +=
            network->layers.items[l].weights.count + network->layers.items[l].biases.count;
    adam.gradient = ARENA_ARRAY(arena, adam.count, double);
    adam.mean = ARENA_ARRAY(arena, adam.count, double);
    adam.square = ARENA_ARRAY(arena, adam.count, double);
    adam.at = ARENA_ARRAY(arena, adam.count, double *);
    int64_t next_one = 0;
    for (int64_t l = 0; l < NETWORK_LAYERS; l++) {
        CostLayer *layer = &network->layers.items[l];
        for (int64_t i = 0; i < layer->weights.count; i++)
            adam.at[next_one++] = &layer->weights.items[i];
        for (int64_t i = 0; i < layer->biases.count; i++)
            adam.at[next_one++] = &layer->biases.items[i];
    }
    return adam;
}

static void take_step(Adam *adam, double step) {
    adam->steps++;
    double mean_part = 1 - pow(keep_mean, (double)adam->steps);
    double square_part = 1 - pow(keep_square, (double)adam->steps);
    for (int64_t i = 0; i < adam->count; i++) {
        double g = adam->gradient[i];
        adam->mean[i] = keep_mean * adam->mean[i] + (1 - keep_mean) * g;
        adam->square[i] = keep_square * adam->square[i] + (1 - keep_square) * g * g;
        *adam->at[i] -=
            step * adam->mean[i] / mean_part / (sqrt(adam->square[i] / square_part) + tiny);
        adam->gradient[i] = 0;
    }
}

double network_fit(Arena *arena, const double *inputs, const double *wanted, const double *weights,
                   int64_t rows, int64_t passes, CostNetwork *network) {
    Random random = {1};
    int64_t count = network->features.count;
    int64_t *order = ARENA_ARRAY(arena, rows, int64_t);
    Values values;
    double error = 0, weight = 0;
    assert(count <= INPUTS_MOST);
    begin_scale(arena, inputs, rows, network);
    begin_layers(arena, &random, network);
    Adam adam = begin_adam(arena, network);
    for (int64_t r = 0; r < rows; r++)
        order[r] = r;
    for (int64_t pass = 0; pass < passes; pass++) {
        double step = first_step * (1 + cos(acos(-1) * (double)pass / (double)passes)) / 2;
        for (int64_t r = rows - 1; r > 0; r--) {
            int64_t other = (int64_t)(next(&random) % (uint64_t)(r + 1)), kept = order[r];
            order[r] = order[other];
            order[other] = kept;
        }
        for (int64_t r = 0; r < rows; r++) {
            int64_t row = order[r];
            double off = forward(network, inputs + row * count, &values) - wanted[row];
            backward(network, &values, off * weights[row], adam.gradient);
            if ((r + 1) % BATCH == 0 || r + 1 == rows)
                take_step(&adam, step);
        }
    }
    for (int64_t r = 0; r < rows; r++) {
        error += weights[r] * pow(network_value(network, inputs + r * count) - wanted[r], 2);
        weight += weights[r];
    }
    return weight > 0 ? error / weight : 0;
}
