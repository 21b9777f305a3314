/* simulate_share: links and NICs shared by the moves under way. Fair is max-min over how far a move
 * is slowed down (dominant resource fairness, Ghodsi et al. 2011): the share that each move has of
 * the resource it needs most is raised equally for all until some resource is full; who uses that
 * one stays there, the others go on. So moves that meet at one NIC get equal parts of it, and what
 * one of them cannot use is left to the others. It knows no schedule: moves and resources are
 * numbers, time is what the caller says. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ShareUse {
    int64_t resource;
    double use; /* share of the capacity taken at full speed, at most 1 */
} ShareUse;

typedef struct ShareMove {
    const ShareUse *uses;
    int64_t use_count;
    double speed; /* 0 to 1 of what it makes alone */
    bool active;
    int64_t mark; /* of the last search that saw it */
    bool settled; /* its speed is found */
} ShareMove;

typedef LIST_OF(int64_t) ShareList;

typedef struct ShareResource {
    ShareList moves; /* active ones that use it */
    double peak;     /* most of the capacity that was in use */
    int64_t mark;
    double open,
        taken; /* while speeds are sought: use of the unsettled at speed 1, of the settled */
    int64_t unsettled;
} ShareResource;

typedef struct Share {
    Arena *arena;
    ShareMove *moves;         /* [moves] */
    ShareResource *resources; /* [resources] */
    int64_t mark;
    ShareList dirty; /* resources whose moves changed */
    ShareList found_moves, found_resources;
} Share;

Share share_begin(Arena *arena, int64_t moves, int64_t resources);

/* A move joins or leaves; speeds are those of share_settle. `uses` stays the caller's. */
void share_join(Share *share, int64_t move, const ShareUse *uses, int64_t count);
void share_leave(Share *share, int64_t move);

/* New speeds of all moves that are connected, through resources, to what changed; `changed` is
 * called for those whose speed is another one than before, before it is. */
void share_settle(Share *share, void (*changed)(void *context, int64_t move, double speed),
                  void *context);
