/* holds: reads places, which lowering made of the plan. Appends to the caller's Buf. */
#include "holds.h"

#include "words.h"

const char *const holds_sort_names[HOLDS_SORTS] = {"nothing", "attention", "experts",
                                                   "attention and experts"};

int holds_sort(const Place *place) {
    return (place->group ? HOLDS_ATTENTION : 0) | (place->slot_count > 0 ? HOLDS_EXPERTS : 0);
}

static bool same_columns(Range a, Range b) {
    return a.begin == b.begin && a.end == b.end;
}

void holds_experts(const Place *place, const Model *model, Buf *out) {
    const PlaceSlot *slots = place->slots.items;
    int64_t count = 0;
    while (count < place->slots.count && slots[count].layer == slots[0].layer &&
           slots[count].expert < model->experts)
        ++count;
    for (int64_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && slots[end].expert == slots[end - 1].expert + 1 &&
                          same_columns(slots[end].columns, slots[i].columns);)
            ++end;
        buf_puts(out, i > 0 ? ", " : "");
        words_range((Range){slots[i].expert, slots[i].expert + end - i}, out);
        if (slots[i].columns.end - slots[i].columns.begin != model->expert_hidden) {
            buf_puts(out, " columns ");
            words_range(slots[i].columns, out);
        }
    }
    if (place->serves_shared) {
        buf_puts(out, count > 0 ? ", shared" : "shared");
        if (place->shared.end - place->shared.begin != model->shared_hidden) {
            buf_puts(out, " columns ");
            words_range(place->shared, out);
        }
    } else if (count == 0) {
        buf_puts(out, "none");
    }
}

Range holds_sequences(const Plan *plan, const Place *place) {
    int64_t first = place->copy * plan_copy_batch(plan);
    if (!place->group)
        return (Range){0, 0};
    return (Range){first + place->group->requests.begin, first + place->group->requests.end};
}

HoldsGroups holds_groups(Arena *arena, const Schedule *schedule, const Place *places) {
    HoldsGroups groups = {.of = ARENA_ARRAY(arena, schedule->world, int64_t)};
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const Place *place = &places[rank];
        HoldsGroup wanted = {.node = place->node,
                             .sort = holds_sort(place),
                             .copy = place->copy,
                             .stage = place->stage};
        int64_t g = groups.list.count - 1;
        for (; g >= 0; --g) {
            const HoldsGroup *of = &groups.list.items[g];
            if (of->node == wanted.node && of->sort == wanted.sort && of->copy == wanted.copy &&
                of->stage == wanted.stage)
                break;
        }
        if (g < 0) {
            g = groups.list.count;
            *(HoldsGroup *)LIST_PUSH(arena, &groups.list) = wanted;
        }
        groups.of[rank] = g;
        *(int64_t *)LIST_PUSH(arena, &groups.list.items[g].ranks) = rank;
    }
    return groups;
}

/* --- the deployment in a sentence
 * --------------------------------------------------------------------- */

/* Least and most of a figure over ranks. */
typedef struct Spread {
    int64_t least, most;
} Spread;

static void spread_add(Spread *spread, int64_t value) {
    spread->least = value < spread->least ? value : spread->least;
    spread->most = value > spread->most ? value : spread->most;
}

static void spread_words(Spread spread, const char *thing, Buf *out) {
    if (spread.least != spread.most)
        buf_printf(out, "%lld to ", (long long)spread.least);
    words_count(spread.most, thing, out);
}

typedef struct Census {
    int64_t ranks[HOLDS_SORTS]; /* of a copy */
    int64_t groups, nodes;
    Spread members, heads, slots;
    bool split; /* some expert is cut by columns */
} Census;

static Census census_take(const Schedule *schedule, const Place *places) {
    const Plan *plan = schedule->plan;
    Census census = {.members = {INT64_MAX, 0}, .heads = {INT64_MAX, 0}, .slots = {INT64_MAX, 0}};
    for (int64_t rank = 0; rank < schedule->world; ++rank) {
        const Place *place = &places[rank];
        bool seen = false;
        for (int64_t k = 0; k < rank; ++k)
            seen = seen || places[k].node == place->node;
        census.nodes += !seen;
        if (place->copy > 0)
            continue;
        census.ranks[holds_sort(place)]++;
        if (place->group) {
            census.groups += place->member == 0 && place->first_stage;
            spread_add(&census.members, place->members);
            spread_add(&census.heads, place->heads.end - place->heads.begin);
        }
        if (place->slot_count > 0) {
            spread_add(&census.slots, place->routed_count);
            census.split = census.split || (place->routed_count > 0 &&
                                            place->columns < plan->inputs.model.expert_hidden);
        }
    }
    return census;
}

void holds_sentence(const Schedule *schedule, const Place *places, Buf *out) {
    const Plan *plan = schedule->plan;
    Census census = census_take(schedule, places);
    int64_t both = census.ranks[HOLDS_ATTENTION | HOLDS_EXPERTS];
    words_count(schedule->world, "rank", out);
    buf_puts(out, " on ");
    words_count(census.nodes, "node", out);
    if (plan->copies > 1)
        buf_printf(out, ", %lld copies of %lld", (long long)plan->copies,
                   (long long)plan->ranks_per_copy);
    if (plan->stages.count > 1)
        buf_printf(out, ", in %lld pipeline stages", (long long)plan->stages.count);
    buf_puts(out, ": ");
    if (both > 0)
        buf_printf(out, "%lld hold attention and experts%s", (long long)both,
                   both < plan->ranks_per_copy ? ", " : "");
    if (census.ranks[HOLDS_ATTENTION] > 0)
        buf_printf(out, "%lld hold attention%s", (long long)census.ranks[HOLDS_ATTENTION],
                   census.ranks[HOLDS_EXPERTS] > 0 ? ", " : "");
    if (census.ranks[HOLDS_EXPERTS] > 0)
        buf_printf(out, "%lld hold experts", (long long)census.ranks[HOLDS_EXPERTS]);
    buf_puts(out, plan->copies > 1 ? " in each copy. " : ". ");
    if (census.groups > 0) {
        words_count(census.groups, "request group", out);
        buf_puts(out, " of ");
        spread_words(census.members, "rank", out);
        buf_puts(out, ", ");
        spread_words(census.heads, "head", out);
        buf_puts(out, " a rank; ");
    }
    if (census.slots.most > 0) {
        buf_puts(out, census.split ? "columns of " : "");
        spread_words(census.slots, "expert", out);
        buf_puts(out, " of each layer a rank");
    }
    if (plan->idle.count > 0) {
        buf_puts(out, "; ");
        words_count(plan->idle.count, "GPU", out);
        buf_puts(out, " idle");
    }
    buf_putc(out, '.');
}
