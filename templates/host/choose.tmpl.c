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

/* Where an entry stands among all: the likelier the larger, no two alike. */
static inline uint64_t standing(struct best item) {
    float logit = item.logit + 0.0f; /* one zero, not two */
    uint32_t bits;
    memcpy(&bits, &logit, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 1u << 31;
    return (uint64_t)bits << 32 | (uint32_t)~item.entry;
}

/* Entries that were told, and the sum of exp(logit / temperature - most) over them. */
struct crowd {
    int64_t count;
    double sum;
    uint64_t least, most; /* standings */
};

/* What stands in [from, to], added to `crowd`. */
static void gather(const struct offer *offer, const rt_choice *choice, double most, uint64_t from,
                   uint64_t to, struct crowd *crowd) {
    for (int64_t member = 0; member < offer->members; ++member) {
        const struct best *pairs = offer->pairs + member * offer->stride;
        for (int64_t i = 1; i <= pairs[0].entry; ++i) {
            uint64_t at = standing(pairs[i]);
            if (at < from || at > to)
                continue;
            crowd->count++;
            crowd->sum += exp(pairs[i].logit / choice->temperature - most);
        }
    }
}

/* All that were told; the largest logit. */
static struct crowd everyone(const struct offer *offer, float *largest) {
    struct crowd all = {.least = UINT64_MAX};
    for (int64_t member = 0; member < offer->members; ++member) {
        const struct best *pairs = offer->pairs + member * offer->stride;
        for (int64_t i = 1; i <= pairs[0].entry; ++i) {
            uint64_t at = standing(pairs[i]);
            if (all.count++ == 0 || at > all.most)
                *largest = pairs[i].logit;
            all.most = at > all.most ? at : all.most;
            all.least = at < all.least ? at : all.least;
        }
    }
    return all;
}

/* The likeliest entries: one is among them while those before it are fewer than `limit` and sum to less than `target`. Of
 * the standing that divides them, `above` knows what is before it. */
static struct crowd likeliest(const struct offer *offer, const rt_choice *choice, double most,
                              const struct crowd *all, int64_t limit, double target) {
    struct crowd above = {.least = all->most, .most = all->most};
    for (uint64_t low = all->least; low < above.least;) {
        uint64_t middle = low + (above.least - low) / 2;
        struct crowd next = {above.count, above.sum, middle, all->most};
        gather(offer, choice, most, middle + 1, above.least, &next);
        if (next.count < limit && next.sum < target)
            above = next;
        else
            low = middle + 1;
    }
    struct crowd found = {.least = above.least, .most = all->most};
    gather(offer, choice, most, found.least, found.most, &found);
    return found;
}

/* Of the top_k likeliest entries those that are before the share top_p of the probability is reached. */
static rt_status choose_likely(rt_rank *rank, const struct offer *offer, const rt_choice *choice,
                               uint64_t key, int32_t *chosen) {
    float largest = 0;
    const struct crowd all = everyone(offer, &largest);
    *chosen = 0;
    if (all.count == 0)
        return RT_OK;
    const double most = largest / choice->temperature;
    const int64_t limit = choice->top_k > 0 ? choice->top_k : offer->candidates;
    struct crowd crowd = likeliest(offer, choice, most, &all, limit, INFINITY);
    if (choice->top_p < 1) {
        struct crowd rest = crowd;
        if (choice->top_k == 0) {
            rest = (struct crowd){0};
            gather(offer, choice, most, 0, UINT64_MAX, &rest);
            for (int64_t member = 0; member < offer->members; ++member)
                rest.sum += exp(offer->pairs[member * offer->stride].logit - most);
        }
        double target = choice->top_p * rest.sum;
        if (crowd.sum < target)
            return rt_fail(rank, RT_DATA,
                           "the %lld likeliest tokens have %.4f of the probability, top-p is %g: "
                           "make the program with more --candidates, or add --top-k %lld",
                           (long long)offer->candidates, crowd.sum / rest.sum, choice->top_p,
                           (long long)offer->candidates);
        crowd = likeliest(offer, choice, most, &crowd, crowd.count, target);
    }
    double best = -INFINITY;
    for (int64_t member = 0; member < offer->members; ++member) {
        const struct best *pairs = offer->pairs + member * offer->stride;
        for (int64_t i = 1; i <= pairs[0].entry; ++i) {
            if (standing(pairs[i]) < crowd.least)
                continue;
            double value =
                pairs[i].logit / choice->temperature + rt_choice_noise(key, pairs[i].entry);
            if (value > best || (value == best && pairs[i].entry < *chosen)) {
                best = value;
                *chosen = pairs[i].entry;
            }
        }
    }
    return RT_OK;
}

rt_status kernel_choose(rt_rank *rank, const void *args) {
    const struct choose_args *a = args;
    const rt_choice *choice = rt_choice_of(rank);
    const int64_t width = choice_width(a->candidates);
    const struct best *best = rt_at(rank, a->best); /* [members][sequences][width] */
    int32_t *next = rt_at(rank, a->next);

    for (int64_t s = 0; s < a->sequences; ++s) {
        struct offer offer = {best + s * width, a->members, a->sequences * width, a->candidates};
        uint64_t key = rt_choice_key(rank, (int32_t)(a->first + s));
        if (choice_cuts(choice))
            RT_TRY(choose_likely(rank, &offer, choice, key, &next[s]));
        else
            next[s] = choose_best(&offer);
    }
    return RT_OK;
}
