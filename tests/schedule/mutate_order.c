/* mutate_order: operators over the orders of a plan's steps: which rank does which part when. */
#include "mutate.h"

#include <string.h>

typedef bool (*LoopEdit)(Mutant *m, PlanLoop *loop, int64_t item, int64_t variant, bool apply);

static void each_item(Mutant *m, int64_t variants, LoopEdit edit) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t o = 0; o < m->plan->steps.items[s].orders.count; ++o) {
            PlanOrder *order = &m->plan->steps.items[s].orders.items[o];
            for (int64_t l = 0; l < order->loops.count; ++l)
                for (int64_t i = 0; i < order->loops.items[l].items.count; ++i)
                    for (int64_t v = 0; v < variants; ++v)
                        if (edit(m, &order->loops.items[l], i, v, false) &&
                            mutate_here(m,
                                        "step %lld, order %lld, loop %lld, item %lld %s, "
                                        "variant %lld",
                                        (long long)s, (long long)o, (long long)l, (long long)i,
                                        plan_part_names[order->loops.items[l].items.items[i].part],
                                        (long long)v)) {
                            edit(m, &order->loops.items[l], i, v, true);
                            return;
                        }
        }
}

static bool edit_drop(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    if (apply)
        MUTATE_DROP(&loop->items, i);
    return true;
}
static bool edit_twice(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    if (apply)
        MUTATE_DOUBLE(m->arena, &loop->items, i);
    return true;
}
static bool edit_swap(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    int64_t other = i + 1 + v;
    if (other >= loop->items.count)
        return false;
    if (apply)
        MUTATE_SWAP(PlanItem, loop->items.items[i], loop->items.items[other]);
    return true;
}
static bool edit_lag(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    if (apply)
        loop->items.items[i].lag += v ? 1 : -1;
    return true;
}
static bool edit_part(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    if (apply)
        loop->items.items[i].part = (loop->items.items[i].part + 1 + v) % (PART_TOKENS + 1);
    return true;
}
static bool edit_microbatch(Mutant *m, PlanLoop *loop, int64_t i, int64_t v, bool apply) {
    if (apply)
        loop->items.items[i].microbatch += v ? 1 : -1;
    return true;
}

static void drop(Mutant *m) {
    each_item(m, 1, edit_drop);
}
static void twice(Mutant *m) {
    each_item(m, 1, edit_twice);
}
static void swap(Mutant *m) {
    each_item(m, 3, edit_swap);
}
static void lag(Mutant *m) {
    each_item(m, 2, edit_lag);
}
static void part(Mutant *m) {
    each_item(m, PART_TOKENS, edit_part);
}
static void microbatch(Mutant *m) {
    each_item(m, 2, edit_microbatch);
}

/* --- loops and orders --------------------------------------------------------------------------------- */

static void loops(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t o = 0; o < m->plan->steps.items[s].orders.count; ++o) {
            PlanOrder *order = &m->plan->steps.items[s].orders.items[o];
            for (int64_t l = 0; l < order->loops.count; ++l)
                for (int v = 0; v < 7; ++v) {
                    if ((v == 2 && l + 1 == order->loops.count) ||
                        !mutate_here(m, "step %lld, order %lld, loop %lld, variant %d",
                                     (long long)s, (long long)o, (long long)l, v))
                        continue;
                    PlanLoop *loop = &order->loops.items[l];
                    if (v == 0)
                        MUTATE_DROP(&order->loops, l);
                    else if (v == 1)
                        MUTATE_DOUBLE(m->arena, &order->loops, l);
                    else if (v == 2)
                        MUTATE_SWAP(PlanLoop, loop[0], loop[1]);
                    else
                        *(v < 5 ? &loop->layers.begin : &loop->layers.end) += v % 2 ? 1 : -1;
                    return;
                }
        }
}
static void order_ranks(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t o = 0; o < m->plan->steps.items[s].orders.count; ++o) {
            IntList *ranks = &m->plan->steps.items[s].orders.items[o].ranks;
            for (int64_t r = 0; r < ranks->count; ++r)
                for (int v = 0; v < 3; ++v)
                    if (mutate_here(m, "step %lld, order %lld, rank %lld, variant %d", (long long)s,
                                    (long long)o, (long long)ranks->items[r], v)) {
                        if (v == 0)
                            MUTATE_DROP(ranks, r);
                        else if (v == 1)
                            MUTATE_DOUBLE(m->arena, ranks, r);
                        else
                            ++ranks->items[r];
                        return;
                    }
        }
}
/* A rank of an order gets one of its own in which two items are the other way round. */
static void one_rank_swaps(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t o = 0; o < m->plan->steps.items[s].orders.count; ++o) {
            PlanStep *step = &m->plan->steps.items[s];
            for (int64_t r = 0; r < step->orders.items[o].ranks.count; ++r)
                for (int64_t l = 0; l < step->orders.items[o].loops.count; ++l)
                    for (int64_t i = 0; i + 1 < step->orders.items[o].loops.items[l].items.count;
                         ++i) {
                        if (step->orders.items[o].ranks.count == 1 ||
                            !mutate_here(m,
                                         "step %lld, order %lld, rank %lld, loop %lld, item %lld",
                                         (long long)s, (long long)o,
                                         (long long)step->orders.items[o].ranks.items[r],
                                         (long long)l, (long long)i))
                            continue;
                        Plan *fresh = mutate_copy_plan(m->arena, m->plan);
                        PlanOrder own = fresh->steps.items[s].orders.items[o];
                        own.ranks.items[0] = own.ranks.items[r];
                        own.ranks.count = 1;
                        PlanItem *items = own.loops.items[l].items.items;
                        MUTATE_SWAP(PlanItem, items[i], items[i + 1]);
                        MUTATE_DROP(&step->orders.items[o].ranks, r);
                        *(PlanOrder *)LIST_PUSH(m->arena, &step->orders) = own;
                        return;
                    }
        }
}
static void order_lost(Mutant *m) {
    for (int64_t s = 0; s < m->plan->steps.count; ++s)
        for (int64_t o = 0; o < m->plan->steps.items[s].orders.count; ++o)
            for (int v = 0; v < 2; ++v)
                if (mutate_here(m, "step %lld, order %lld, variant %d", (long long)s, (long long)o,
                                v)) {
                    if (v)
                        MUTATE_DOUBLE(m->arena, &m->plan->steps.items[s].orders, o);
                    else
                        MUTATE_DROP(&m->plan->steps.items[s].orders, o);
                    return;
                }
}

static const MutantOperator operators[] = {
    {"item-drop", "an item of an order is left out", drop,
     "no rank of the order takes part in the item"},
    {"item-twice", "an item of an order stands there twice", twice,
     "no rank of the order takes part in the item"},
    {"item-swap", "two items of an order change places", swap,
     "what changes places does not depend on each other"},
    {"item-swap-rank", "two items change places for one rank of an order", one_rank_swaps,
     "what changes places does not depend on each other"},
    {"item-lag", "an item works on a layer too early or too late", lag,
     "the item of another round, before or behind what it does not depend on"},
    {"item-part", "an item is another part", part,
     "no rank of the order takes part in either item"},
    {"item-microbatch", "an item is of another micro-batch", microbatch,
     "no rank of the order takes part, or the other micro-batch has its turn elsewhere"},
    {"loop", "a loop is lost, doubled, out of order, or has its layers one off", loops,
     "a loop whose items are of another loop too or do nothing here"},
    {"order-ranks", "a rank has no order, two, or another's", order_ranks, NULL},
    {"order-lost", "an order is lost or doubled", order_lost, NULL},
};

const MutantTable mutate_order_table = {OF_PLAN, operators, sizeof operators / sizeof *operators};
