/* rt_moves_here: where the program of rt_moves.h writes what its moves take and reads what they bring. On the host that is
 * the slab itself (rt_moves_host.c); where slabs are a device's, it is a copy of the slab on the host (rt_moves_cuda.c),
 * which goes there and comes back on the rank's stream, as kernels' bytes would: so a wait that is missing between streams
 * is a race between their threads. */
#pragma once

#include "core/rank.h"

/* Address of a slab offset for the host; good until the next move. */
void *moves_at(const rt_rank *rank, int64_t offset);
/* What was written there goes to the slab, before what is put on the stream next; and all comes from it. */
rt_status moves_put(rt_rank *rank);
rt_status moves_get(rt_rank *rank);

/* Device code of the program, NULL: it has none. */
#ifdef RT_MOVES_CUDA
extern const rt_module moves_module;
#define MOVES_MODULE &moves_module
#else
#define MOVES_MODULE NULL
#endif

/* A move between what was written and what is read. */
#define MOVE(call)                                                                                 \
    do {                                                                                           \
        RT_TRY(moves_put(rank));                                                                   \
        RT_TRY(call);                                                                              \
        RT_TRY(moves_get(rank));                                                                   \
    } while (0)
