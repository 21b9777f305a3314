/* calibrate_network: fits the network of the cost model mlp (gen/schedule/cost_model.h): two hidden layers with tanh
 * and a last one with a single output. Pure arithmetic with a generator of its own, so that equal samples give equal
 * networks. Lists lie in the caller's arena. It knows neither programs nor files. */
#pragma once

#include "schedule/cost_model.h"

enum { NETWORK_HIDDEN = 16, NETWORK_LAYERS = 3 };

/* inputs [rows][features] as cost_features gives them, wanted [rows] log2 of seconds, weights [rows] how much a row
 * counts. Fills mean, scale and layers; the network's features are set by the caller. Mean squared error after the
 * fit, in log2. */
double network_fit(Arena *arena, const double *inputs, const double *wanted, const double *weights,
                   int64_t rows, int64_t passes, CostNetwork *network);

/* What the network says of one row of inputs. */
double network_value(const CostNetwork *network, const double *inputs);
