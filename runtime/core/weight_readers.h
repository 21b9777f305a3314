/* weight_readers: pieces of weights are read by several threads of a rank, so that reads of the checkpoint, conversions
 * and copies to the slab overlap. Who gives pieces looks after the run meanwhile; the threads touch nothing of the rank
 * but what rt_weight_read does. */
#pragma once

#include "core/weight_read.h"

typedef struct WeightReaders WeightReaders;

/* `count` of 1: pieces are read by the caller's thread, as they are given. NULL without memory. */
WeightReaders *rt_weight_readers_create(rt_rank *rank, int count);

/* Read a piece, now or later; what it names stays until the end. A failure of any piece shows here or at the end. */
rt_status rt_weight_readers_give(WeightReaders *readers, const WeightPiece *piece);

/* Wait for all that was given, unless reading has failed. */
rt_status rt_weight_readers_end(WeightReaders *readers);

/* Also of NULL, and without the end: what was not yet begun is left out. */
void rt_weight_readers_free(WeightReaders *readers);
