/* emulate_share: how fast the moves under way flow. A move takes so many bytes of each of its resources, all in
 * step with each other; what a resource carries at a time is shared fairly (max-min) among the moves
 * that flow over it.
 *
 * Moves come with due times that may lie a little in the past, for their threads woke late. So what flowed is
 * settled only up to a moment before now, and from there on computed anew with every move that comes, each at its
 * due time: the ends are those that the due times imply, in whatever order the threads came. An end that its
 * members have gone on from stays as it was. */
#include "core/emulate_state.h"

#include <math.h>

/* Seconds before now that are not settled: more than a thread is late on a busy host. */
#define SHARE_OPEN_S 0.1
/* Ends that lie closer to each other than this, seconds, are one. */
#define SHARE_SAME_S 1e-9

typedef struct Flowing {
    rt_emu *emu;
    const rt_figures *figures;
    double scale;
    double *left,
        *open; /* [resources] share not given out; asked for by those whose speed is open */
    double *done, *rate; /* [flows] part of the move; of it a second, -1: open */
} Flowing;

static bool is_live(const Flowing *f, int32_t flow, double at) {
    const rt_emu_flow *of = &f->emu->flow[flow];
    return of->enters <= at + SHARE_SAME_S && (of->place >= 0 || of->end > at + SHARE_SAME_S) &&
           f->done[flow] < 1;
}

/* A move asks for `more` of its shares, and takes `taken` of them. */
static void ask(const Flowing *f, int32_t move, double more, double taken) {
    for (int32_t u = f->figures->move_first[move]; u < f->figures->move_first[move + 1]; ++u) {
        f->open[f->figures->use_resource[u]] += more * f->figures->use_share[u];
        f->left[f->figures->use_resource[u]] -= taken * f->figures->use_share[u];
    }
}

static bool uses(const Flowing *f, int32_t move, int32_t resource) {
    for (int32_t u = f->figures->move_first[move]; u < f->figures->move_first[move + 1]; ++u)
        if (f->figures->use_resource[u] == resource)
            return true;
    return false;
}

/* The resource that is full first when all open moves speed up alike, and the speed then; -1: none below 1. */
static int32_t first_full(const Flowing *f, double *speed) {
    int32_t full = -1;
    *speed = 1;
    for (int32_t r = 0; r < f->figures->resources; ++r) {
        if (f->open[r] < 1e-12 || f->left[r] >= *speed * f->open[r]) /* less is rounding */
            continue;
        *speed = fmax(0, f->left[r] / f->open[r]);
        full = r;
    }
    return full;
}

/* Speeds are shares of what a move makes alone. All are raised together until a resource is full; who flows over
 * that one stays there, the others go on. */
static void share(const Flowing *f, double at) {
    rt_emu *emu = f->emu;
    int32_t open = 0;
    for (int32_t r = 0; r < f->figures->resources; ++r) {
        f->left[r] = 1;
        f->open[r] = 0;
    }
    for (int32_t i = 0; i < emu->header->flows; ++i) {
        bool live = is_live(f, i, at);
        f->rate[i] = live ? -1 : 0;
        open += live;
        if (live)
            ask(f, emu->flow[i].move, 1, 0);
    }
    while (open > 0) {
        double speed;
        int32_t full = first_full(f, &speed);
        for (int32_t i = 0; i < emu->header->flows; ++i) {
            int32_t move = emu->flow[i].move;
            if (f->rate[i] >= 0 || (full >= 0 && !uses(f, move, full)))
                continue;
            f->rate[i] = speed / (f->figures->move_s[move] * f->scale);
            ask(f, move, -1, speed);
            open--;
        }
    }
}

/* When something next begins or ends after `at`, at these rates; INFINITY: nothing does. */
static double next_change(const Flowing *f, double at) {
    double next = INFINITY;
    for (int32_t i = 0; i < f->emu->header->flows; ++i) {
        const rt_emu_flow *flow = &f->emu->flow[i];
        if (flow->enters > at + SHARE_SAME_S)
            next = fmin(next, flow->enters);
        else if (flow->place < 0 && is_live(f, i, at))
            next = fmin(next, flow->end);
        else if (f->rate[i] > 0)
            next = fmin(next, at + (1 - f->done[i]) / f->rate[i]);
    }
    return next;
}

/* Let all flow from the settled time to `until`. */
static void flow_on(Flowing *f, double until) {
    rt_emu *emu = f->emu;
    double at = emu->header->base;
    for (int32_t i = 0; i < emu->header->flows; ++i)
        f->done[i] = emu->flow[i].done;
    while (at < until) {
        share(f, at);
        double next = fmin(next_change(f, at), until);
        if (next == INFINITY)
            return;
        for (int32_t i = 0; i < emu->header->flows; ++i) {
            if (f->rate[i] <= 0)
                continue;
            double end = at + (1 - f->done[i]) / f->rate[i];
            f->done[i] = end <= next + SHARE_SAME_S ? 1 : f->done[i] + (next - at) * f->rate[i];
            if (emu->flow[i].place >= 0 && f->done[i] >= 1)
                emu->flow[i].end = end;
        }
        at = next;
    }
}

static Flowing flowing(rt_emu *emu, double scale) {
    const rt_figures *figures = &emu->segment->job->figures;
    double *at = emu->scratch;
    return (Flowing){.emu = emu,
                     .figures = figures,
                     .scale = scale,
                     .left = at,
                     .open = at + figures->resources,
                     .done = at + 2 * figures->resources,
                     .rate = at + 2 * figures->resources + emu->flow_limit};
}

/* Settle what flowed up to a time, and forget what ended before it. */
static void settle_until(Flowing *f, double until) {
    rt_emu_header *header = f->emu->header;
    if (until <= header->base)
        return;
    flow_on(f, until);
    header->base = until;
    for (int32_t i = header->flows - 1; i >= 0; --i) {
        rt_emu_flow *flow = &f->emu->flow[i];
        flow->done = f->done[i];
        if (flow->place < 0 && flow->end <= until) {
            *flow = f->emu->flow[header->flows - 1];
            f->done[i] = f->done[--header->flows];
        }
    }
}

void rt_emulation_flow(rt_emu *emu, int32_t place, int32_t move, double enters, double scale) {
    Flowing f = flowing(emu, scale);
    rt_emu_header *header = emu->header;
    settle_until(&f, fmin(rt_now(), enters) - SHARE_OPEN_S);
    if (header->flows == emu->flow_limit) /* of those that are settled at most the latest stay */
        settle_until(&f, enters);
    if (enters < header->base)
        enters = header->base;
    emu->flow[header->flows++] =
        (rt_emu_flow){.place = place, .move = move, .enters = enters, .end = INFINITY};
    flow_on(&f, INFINITY);
    for (int32_t i = 0; i < header->flows; ++i) {
        const rt_emu_flow *flow = &emu->flow[i];
        rt_emu_place *of = flow->place >= 0 ? &emu->place[flow->place] : NULL;
        if (!of || of->end == flow->end)
            continue;
        bool sooner = flow->end < of->end;
        of->end = flow->end;
        if (!sooner || flow->place == place)
            continue;
        for (int32_t lane = of->first_lane; lane; lane = emu->lane[lane - 1].next)
            rt_emulation_wake(emu, lane - 1); /* it would sleep too long */
    }
}

void rt_emulation_settle(rt_emu *emu, int32_t place) {
    for (int32_t i = 0; i < emu->header->flows; ++i)
        if (emu->flow[i].place == place)
            emu->flow[i].place = -1;
}
