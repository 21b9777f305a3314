/* route: which experts a token goes to, and what an expert's capacity drops. Pure functions of
 * probabilities; the rule is DESIGN's: no result depends on the placement. */
#pragma once

#include "input/model.h"

/* The top_k experts of a token by probability, the lower expert where equal, with their weights.
 * Returns the router margin: (p_k - p_k+1) / p_k, how far the last chosen expert is from the
 * first one not chosen; 1 where all experts are chosen. */
double route_top_k(const Model *model, const double *probabilities, int32_t *choices,
                   double *shares);

/* What one sequence of `length` tokens may send to one expert; INT64_MAX without a capacity. */
int64_t route_capacity(const Model *model, int64_t length);

/* Drop choices [length][top_k] past an expert's capacity, by position then choice: they become -1.
 * `counts` is scratch [experts]. */
void route_drop(const Model *model, int64_t length, int32_t *choices, int64_t *counts);
