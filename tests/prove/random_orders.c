/* random_orders: one global interleaving of (micro-batch, part) that respects what each part needs; the order of a set
 * of ranks is its projection, so that all moves have one total order. What repeats from layer to layer is folded into
 * loops, with lags where a loop works on several layers. */
#include "random_case.h"

/* Something that all who take part do at one place of the total order. */
typedef struct Event {
    int64_t part;  /* PART_SEND stands for the receipt in the next stage, too */
    int64_t layer; /* -1: outside layers */
    int64_t stage, microbatch;
} Event;

typedef LIST_OF(Event) Events;

static void add(RandomCase *made, Events *events, int64_t part, int64_t layer, int64_t stage) {
    *(Event *)LIST_PUSH(made->arena, events) = (Event){part, layer, stage, 0};
}

/* What a micro-batch goes through, one after the other. */
static Events chain_of(RandomCase *made) {
    static const int64_t parts[] = {PART_ATTENTION, PART_DISPATCH, PART_EXPERTS, PART_COMBINE};
    const Plan *plan = &made->plan;
    Events chain = {0};
    int64_t last = plan->stages.count - 1;
    add(made, &chain, PART_EMBED, -1, 0);
    for (int64_t s = 0; s <= last; ++s) {
        Range layers = plan->stages.items[s].layers;
        for (int64_t layer = layers.begin; layer < layers.end; ++layer)
            for (int i = 0; i < 4; ++i)
                add(made, &chain, parts[i], layer, s);
        add(made, &chain, s < last ? PART_SEND : PART_HEAD, -1, s);
    }
    if (last > 0)
        add(made, &chain, PART_TOKENS, -1, last);
    return chain;
}

/* --- interleavings ---------------------------------------------------------------------------- */

typedef struct Weave {
    Events chain, all;
    int64_t microbatches, *next; /* event of each micro-batch's chain */
} Weave;

static void take(RandomCase *made, Weave *weave, int64_t microbatch) {
    Event event = weave->chain.items[weave->next[microbatch]++];
    event.microbatch = microbatch;
    *(Event *)LIST_PUSH(made->arena, &weave->all) = event;
}

/* In turns of so many events each; micro-batch m begins m x `delay` turns later. */
static void weave_turns(RandomCase *made, Weave *weave, int64_t grain, int64_t delay) {
    int64_t length = weave->chain.count, left = 0;
    for (int64_t m = 0; m < weave->microbatches; ++m)
        left += length - weave->next[m];
    for (int64_t turn = 0; left > 0; ++turn)
        for (int64_t m = 0; m < weave->microbatches; ++m)
            for (int64_t i = 0; turn >= m * delay && i < grain && weave->next[m] < length; ++i) {
                take(made, weave, m);
                --left;
            }
}

/* Whoever is drawn goes on. */
static void weave_freely(RandomCase *made, Weave *weave) {
    int64_t left = weave->microbatches;
    int64_t *open = ARENA_ARRAY(made->arena, left, int64_t);
    for (int64_t m = 0; m < left; ++m)
        open[m] = m;
    while (left > 0) {
        int64_t i = draw(made->choices, left), m = open[i];
        take(made, weave, m);
        if (weave->next[m] < weave->chain.count)
            continue;
        for (--left; i < left; ++i)
            open[i] = open[i + 1];
    }
}

static Events weave_all(RandomCase *made, int64_t microbatches) {
    Choices *c = made->choices;
    Weave weave = {.chain = chain_of(made), .microbatches = microbatches};
    weave.next = ARENA_ARRAY(made->arena, microbatches, int64_t);
    switch (draw(c, 5)) {
    case 0: /* one after the other */
        weave_turns(made, &weave, weave.chain.count, 0);
        break;
    case 1: /* layer by layer, after the embedding */
        for (int64_t m = 0; m < microbatches; ++m)
            take(made, &weave, m);
        weave_turns(made, &weave, 4, 0);
        break;
    case 2: /* in turns */
        weave_turns(made, &weave, 1 + draw(c, 5), 0);
        break;
    case 3: /* staggered */
        weave_turns(made, &weave, 1 + draw(c, 2), 1 + draw(c, 4));
        break;
    default:
        weave_freely(made, &weave);
    }
    return weave.all;
}

/* --- one set of ranks ------------------------------------------------------------------------- */

/* What a stage does of all that, in the plan's words. `idle`: also what these ranks have no part in. */
static Events project(RandomCase *made, const Events *all, int64_t stage, bool attends, bool holds,
                      bool idle) {
    Events mine = {0};
    int64_t last = made->plan.stages.count - 1;
    for (int64_t i = 0; i < all->count; ++i) {
        Event event = all->items[i];
        bool here = event.stage == stage;
        if (event.part == PART_SEND && event.stage + 1 == stage) {
            event.part = PART_RECEIVE;
            here = true;
        }
        here = here || (event.part == PART_TOKENS && (stage == 0 || stage == last));
        bool does = event.part == PART_DISPATCH || event.part == PART_COMBINE ||
                    (event.part == PART_EXPERTS ? holds : attends);
        if (here && (does || idle))
            *(Event *)LIST_PUSH(made->arena, &mine) = event;
    }
    return mine;
}

/* How often events [at, at + period) come, each time a layer further. */
static int64_t repeats(const Events *mine, int64_t at, int64_t period) {
    int64_t times = 1;
    for (;; ++times)
        for (int64_t i = 0; i < period; ++i) {
            int64_t k = at + times * period + i;
            const Event *base = &mine->items[at + i];
            if (k >= mine->count || base->layer < 0 ||
                mine->items[k].layer != base->layer + times || mine->items[k].part != base->part ||
                mine->items[k].microbatch != base->microbatch)
                return times;
        }
}

static void add_loop(RandomCase *made, PlanOrder *order, const Events *mine, int64_t at,
                     int64_t count, int64_t times, int64_t outside) {
    int64_t base = -1;
    for (int64_t i = at; i < at + count; ++i)
        base = most_of(base, mine->items[i].layer);
    base = base < 0 ? outside : base;
    PlanLoop *loop = LIST_PUSH(made->arena, &order->loops);
    loop->layers = (Range){base, base + times};
    for (int64_t i = at; i < at + count; ++i) {
        const Event *event = &mine->items[i];
        *(PlanItem *)LIST_PUSH(made->arena, &loop->items) =
            (PlanItem){event->part, event->microbatch, event->layer < 0 ? 0 : base - event->layer};
    }
}

/* The loops of a list: those that cover most at each place, or each event alone or with its neighbours. */
static void fold(RandomCase *made, PlanOrder *order, const Events *mine, int64_t outside) {
    bool loops = draw(made->choices, 4) < 3;
    int64_t together = 1 + draw(made->choices, 6);
    for (int64_t at = 0; at < mine->count;) {
        int64_t best = least_of(together, mine->count - at), times = 1;
        for (int64_t period = 1; loops && 2 * period <= mine->count - at; ++period) {
            int64_t found = repeats(mine, at, period);
            if (found > 1 && (times == 1 || found * period > times * best)) {
                best = period;
                times = found;
            }
        }
        add_loop(made, order, mine, at, best, times, outside);
        at += best * times;
    }
}

static void add_order(RandomCase *made, PlanStep *step, const Events *all, int64_t stage,
                      const int64_t *ranks, int64_t count) {
    const PlanStage *of = &made->plan.stages.items[stage];
    bool attends = false, holds = false;
    PlanOrder *order = LIST_PUSH(made->arena, &step->orders);
    for (int64_t i = 0; i < count; ++i) {
        *(int64_t *)LIST_PUSH(made->arena, &order->ranks) = ranks[i];
        attends = attends || random_attends(of, ranks[i]);
        holds = holds || random_holds(of, ranks[i]);
    }
    Events mine = project(made, all, stage, attends, holds, draw_rare(made->choices, 4));
    fold(made, order, &mine, draw_rare(made->choices, 2) ? of->layers.end : of->layers.begin);
}

void random_orders(RandomCase *made, PlanStep *step) {
    Choices *c = made->choices;
    Events all = weave_all(made, step->microbatches);
    for (int64_t s = 0; s < made->plan.stages.count; ++s) {
        const PlanStage *stage = &made->plan.stages.items[s];
        IntList ranks = random_stage_ranks(made, stage);
        int64_t way = draw(c, 3), attends = 0;
        while (attends < ranks.count && random_attends(stage, ranks.items[attends]))
            ++attends;
        for (int64_t at = 0; at < ranks.count;) {
            int64_t end = ranks.count;
            if (way == 1 && at < attends) /* by what they do */
                end = attends;
            if (way == 2) /* as drawn */
                end = at + 1 + draw(c, ranks.count - at);
            add_order(made, step, &all, s, ranks.items + at, end - at);
            at = end;
        }
    }
}
