/* simulate_share: see the header. A settlement takes time linear in the uses of the moves that are
 * connected to a change, times the number of different speeds found among them. */
#include "schedule/simulate_share.h"

#include <math.h>

static const double nearly = 1e-12; /* resources that fill up at the same speed but for rounding */

Share share_begin(Arena *arena, int64_t moves, int64_t resources) {
    return (Share){.arena = arena,
                   .moves = ARENA_ARRAY(arena, moves, ShareMove),
                   .resources = ARENA_ARRAY(arena, resources, ShareResource)};
}

static void push(Share *share, ShareList *list, int64_t number) {
    *(int64_t *)LIST_PUSH(share->arena, list) = number;
}

void share_join(Share *share, int64_t move, const ShareUse *uses, int64_t count) {
    share->moves[move] =
        (ShareMove){.uses = uses, .use_count = count, .active = true, .mark = share->mark};
    for (int64_t i = 0; i < count; ++i)
        push(share, &share->resources[uses[i].resource].moves, move);
    /* One of them leads to all that it touches. */
    if (count > 0)
        push(share, &share->dirty, uses[0].resource);
}

void share_leave(Share *share, int64_t move) {
    ShareMove *of = &share->moves[move];
    of->active = false;
    for (int64_t i = 0; i < of->use_count; ++i) {
        ShareList *moves = &share->resources[of->uses[i].resource].moves;
        int64_t k = 0;
        while (moves->items[k] != move)
            ++k;
        for (--moves->count; k < moves->count; ++k)
            moves->items[k] = moves->items[k + 1];
        if (moves->count > 0)
            push(share, &share->dirty, of->uses[i].resource);
    }
}

static void find_resource(Share *share, int64_t resource) {
    ShareResource *of = &share->resources[resource];
    if (of->mark == share->mark)
        return;
    of->mark = share->mark;
    of->open = of->taken = 0;
    of->unsettled = 0;
    push(share, &share->found_resources, resource);
}

/* All moves and resources that are connected to a changed resource. */
static void find(Share *share) {
    share->found_moves.count = share->found_resources.count = 0;
    ++share->mark;
    for (int64_t i = 0; i < share->dirty.count; ++i)
        find_resource(share, share->dirty.items[i]);
    share->dirty.count = 0;
    for (int64_t i = 0; i < share->found_resources.count; ++i) {
        ShareResource *resource = &share->resources[share->found_resources.items[i]];
        for (int64_t k = 0; k < resource->moves.count; ++k) {
            int64_t number = resource->moves.items[k];
            ShareMove *move = &share->moves[number];
            if (move->mark == share->mark)
                continue;
            move->mark = share->mark;
            move->settled = false;
            push(share, &share->found_moves, number);
            for (int64_t u = 0; u < move->use_count; ++u)
                find_resource(share, move->uses[u].resource);
        }
    }
    for (int64_t i = 0; i < share->found_moves.count; ++i) {
        const ShareMove *move = &share->moves[share->found_moves.items[i]];
        for (int64_t u = 0; u < move->use_count; ++u) {
            ShareResource *resource = &share->resources[move->uses[u].resource];
            resource->open += move->uses[u].use;
            ++resource->unsettled;
        }
    }
}

typedef struct Settling {
    Share *share;
    void (*changed)(void *context, int64_t move, double speed);
    void *context;
    int64_t left; /* unsettled moves */
} Settling;

static void settle(Settling *settling, int64_t number, double speed) {
    Share *share = settling->share;
    ShareMove *move = &share->moves[number];
    if (move->settled)
        return;
    for (int64_t u = 0; u < move->use_count; ++u) {
        ShareResource *resource = &share->resources[move->uses[u].resource];
        resource->open -= move->uses[u].use;
        resource->taken += move->uses[u].use * speed;
        --resource->unsettled;
    }
    move->settled = true;
    --settling->left;
    if (speed != move->speed)
        settling->changed(settling->context, number, speed);
    move->speed = speed;
}

/* The speed at which a resource is full; more than 1 where it never is. */
static double full_at(const ShareResource *resource) {
    bool any = resource->unsettled > 0 && resource->open > 0;
    return any ? fmax(0, 1 - resource->taken) / resource->open : INFINITY;
}

void share_settle(Share *share, void (*changed)(void *context, int64_t move, double speed),
                  void *context) {
    if (share->dirty.count == 0)
        return;
    find(share);
    Settling settling = {share, changed, context, share->found_moves.count};
    double reached = 0; /* speeds are found from the lowest on, whatever rounding says */
    while (settling.left > 0) {
        double level = 1;
        for (int64_t i = 0; i < share->found_resources.count; ++i)
            level = fmin(level, full_at(&share->resources[share->found_resources.items[i]]));
        reached = level = fmax(level, reached);
        if (level >= 1 - nearly) {
            for (int64_t i = 0; i < share->found_moves.count; ++i)
                settle(&settling, share->found_moves.items[i], 1);
            break;
        }
        for (int64_t i = 0; i < share->found_resources.count; ++i) {
            ShareResource *resource = &share->resources[share->found_resources.items[i]];
            if (full_at(resource) <= level * (1 + nearly))
                for (int64_t k = 0; k < resource->moves.count; ++k)
                    settle(&settling, resource->moves.items[k], level);
        }
    }
    for (int64_t i = 0; i < share->found_resources.count; ++i) {
        ShareResource *resource = &share->resources[share->found_resources.items[i]];
        resource->peak = fmax(resource->peak, fmin(1, resource->taken));
    }
}
