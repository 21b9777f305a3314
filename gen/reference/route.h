/* route: which experts a token goes to, and what an expert's capacity drops. Pure functions of
 * scores; the rule is DESIGN's: no result depends on the placement. */
#pragma once

#include "input/model.h"

/* The top_k experts of a token by score plus correction (NULL: none), the lower expert where equal, out of the
 * top_groups best groups, with their weights. Returns the router margin: how far the last chosen expert is from the
 * first one not chosen, (c_k - c_k+1) / s_k of corrected scores c and scores s, or the like of groups where that is
 * less; 1 where there is nothing to choose. `open` is scratch [expert_groups]. */
double route_top_k(const Model *model, const double *scores, const float *correction, bool *open,
                   int32_t *choices, double *shares);

/* What one sequence of `length` tokens may send to one expert; INT64_MAX without a capacity. */
int64_t route_capacity(const Model *model, int64_t length);

/* Drop choices [length][top_k] past an expert's capacity, by position then choice: they become -1.
 * `counts` is scratch [experts]. */
void route_drop(const Model *model, int64_t length, int32_t *choices, int64_t *counts);
