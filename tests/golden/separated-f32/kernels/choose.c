/* choose: the next token of each sequence, over all ranks that share the head: the best of their best entries, or one of
 * their likeliest entries taken together. A sequence without a row gets token 0, which nobody reads. */
#include "choice.h"

/* The pairs of a sequence, [members], `stride` apart. */
struct offer {
    const struct best *pairs;
    int64_t members, stride, candidates;
};

static int32_t choose_best(const struct offer *offer) {
    struct best chosen = {-INFINITY, -1};
    for (int64_t member = 0; member < offer->members; ++member) {
        struct best other = offer->pairs[member * offer->stride];
        if (other.entry >= 0 && (chosen.entry < 0 || likelier(other, chosen)))
            chosen = other;
    }
    return chosen.entry < 0 ? 0 : chosen.entry;
}

/* The likeliest entry after `before` (entry -1: of all); entry -1: there is none. */
static struct best next_likeliest(const struct offer *offer, struct best before) {
    struct best next = {-INFINITY, -1};
    for (int64_t member = 0; member < offer->members; ++member) {
        const struct best *pairs = offer->pairs + member * offer->stride;
        for (int64_t i = 1; i <= pairs[0].entry; ++i)
            if ((before.entry < 0 || likelier(before, pairs[i])) &&
                (next.entry < 0 || likelier(pairs[i], next)))
                next = pairs[i];
    }
    return next;
}

/* The sum over all entries of exp(logit / temperature - most). */
static double sum_of_all(const struct offer *offer, double most) {
    double sum = 0;
    for (int64_t member = 0; member < offer->members; ++member)
        if (offer->pairs[member * offer->stride].entry > 0)
            sum += exp(offer->pairs[member * offer->stride].logit - most);
    return sum;
}

/* The same over the `limit` likeliest ones. */
static double sum_of_likeliest(const struct offer *offer, const rt_choice *choice, int64_t limit,
                               double most) {
    double sum = 0;
    struct best item = {0, -1};
    for (int64_t n = 0; n < limit; ++n) {
        item = next_likeliest(offer, item);
        if (item.entry < 0)
            break;
        sum += exp(item.logit / choice->temperature - most);
    }
    return sum;
}

/* Of the top_k likeliest entries those that are before the share top_p of the probability is reached. */
static int32_t choose_likely(const struct offer *offer, const rt_choice *choice, uint64_t key) {
    int64_t limit =
        choice->top_k > 0 && choice->top_k < offer->candidates ? choice->top_k : offer->candidates;
    struct best item = next_likeliest(offer, (struct best){0, -1});
    if (item.entry < 0)
        return 0;
    double most = item.logit / choice->temperature, before = 0, largest = -INFINITY;
    double all =
        choice->top_k > 0 ? sum_of_likeliest(offer, choice, limit, most) : sum_of_all(offer, most);
    int32_t chosen = item.entry;
    for (int64_t n = 0; n < limit && item.entry >= 0; ++n) {
        double value = item.logit / choice->temperature;
        if (n > 0 && before >= choice->top_p * all)
            break;
        before += exp(value - most);
        value += rt_choice_noise(key, item.entry);
        if (value > largest) {
            largest = value;
            chosen = item.entry;
        }
        item = next_likeliest(offer, item);
    }
    return chosen;
}

rt_status kernel_choose(rt_rank *rank, const void *args) {
    const struct choose_args *a = args;
    const rt_choice *choice = rt_choice_of(rank);
    const int64_t width = choice_width(a->candidates);
    const struct best *best = rt_at(rank, a->best); /* [members][sequences][width] */
    int32_t *next = rt_at(rank, a->next);

    for (int64_t s = 0; s < a->sequences; ++s) {
        struct offer offer = {best + s * width, a->members, a->sequences * width, a->candidates};
        next[s] = choice_cuts(choice)
                      ? choose_likely(&offer, choice, rt_choice_key(rank, (int32_t)(a->first + s)))
                      : choose_best(&offer);
    }
    return RT_OK;
}
