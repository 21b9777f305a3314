/* scores: how likely the tokens of the prompts are: of each position the logarithm of the probability that the model gives
 * to the next token, from the logits of a wave, which all ranks share out among them. */
#pragma once

#include "core/rank.h"

/* After the prefill of a wave. */
rt_status rt_scores_wave(rt_rank *rank);

/* float64 [sequences][longest] as .npy; NaN where no token follows. */
rt_status rt_scores_write(const rt_segment *segment, const char *path, rt_error *error);
