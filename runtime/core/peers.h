/* peers: how ranks that others' launchers started look after each other, for nobody else does: who waits or loads
 * notices a peer that has died, and ends one that is stopped. */
#pragma once

#include "core/rank.h"

/* Look at the first `count` ranks of rank->closure. Fails when one has died, or is stopped for --timeout-ms. */
rt_status rt_peers_look(rt_rank *rank, int32_t count);
