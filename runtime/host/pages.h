/* pages: puts what a rank alone reads, its weights, into memory of its own, in large pages. */
#pragma once

#include "core/rank.h"

/* To be called before the weights are loaded, by the rank itself. What lay there is lost. */
rt_status rt_pages_own(rt_rank *rank);
