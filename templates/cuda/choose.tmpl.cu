/* choose: the next token of each sequence, over all ranks that share the head: the best of their best entries, or one of
 * their likeliest entries taken together. A sequence without a row gets token 0, which nobody reads. A block a
 * sequence, all of whose threads go the same ways: what they go by is a sum or a maximum over the block. */
#include "choice.cuh"

/* best [members][sequences]: the likeliest of a sequence's pairs, `stride` pairs apart, to next [sequences]. */
extern "C" __global__ void choose_best(const struct best *best, int *next, int members,
                                       int sequences, int stride) {
    wide_t most = 0;
    for (int m = threadIdx.x; m < members; m += blockDim.x) {
        const struct best item = best[((long_t)m * sequences + blockIdx.x) * stride];
        const wide_t at = item.entry < 0 ? 0 : standing(item.logit, item.entry);
        most = at > most ? at : most;
    }
    most = block_most(most);
    if (threadIdx.x == 0)
        next[blockIdx.x] = most == 0 ? 0 : at_standing(most).entry;
}

/* The pairs of a sequence, [members], `stride` apart. */
struct offer {
    const struct best *pairs;
    long_t stride;
    int members, candidates;
    double temperature;
};

/* Entries that were told, and the sum of exp(logit / temperature - most) over them. */
struct crowd {
    double count, sum;
    wide_t least, most; /* standings */
};

static __device__ __forceinline__ const struct best *offer_of(const struct offer *offer, int member,
                                                              int *told) {
    const struct best *pairs = offer->pairs + member * offer->stride;
    *told = pairs->entry < offer->candidates ? pairs->entry : offer->candidates;
    return pairs + 1;
}

/* What stands in [from, to], added to `crowd`. */
static __device__ void crowd_gather(const struct offer *offer, double most, wide_t from, wide_t to,
                                    struct crowd *crowd) {
    double count = 0, sum = 0;
    for (int member = 0; member < offer->members; ++member) {
        int told;
        const struct best *pairs = offer_of(offer, member, &told);
        for (int i = threadIdx.x; i < told; i += blockDim.x) {
            const wide_t at = standing(pairs[i].logit, pairs[i].entry);
            if (at < from || at > to)
                continue;
            count += 1;
            sum += exp(pairs[i].logit / offer->temperature - most);
        }
    }
    block_sums(&count, &sum);
    crowd->count += count;
    crowd->sum += sum;
}

/* All that were told, without their sum. */
static __device__ struct crowd crowd_of(const struct offer *offer) {
    wide_t most = 0, least = 0; /* the complement of the least */
    double count = 0;
    for (int member = 0; member < offer->members; ++member) {
        int told;
        const struct best *pairs = offer_of(offer, member, &told);
        for (int i = threadIdx.x; i < told; i += blockDim.x) {
            const wide_t at = standing(pairs[i].logit, pairs[i].entry);
            most = at > most ? at : most;
            least = ~at > least ? ~at : least;
            count += 1;
        }
    }
    count = block_sum(count);
    most = block_most(most);
    return {count, 0, ~block_most(least), most};
}

/* The likeliest entries of `all`: one is among them while those before it are fewer than `limit` and sum to less than
 * `target`. Of the standing that divides them, `above` knows what is before it; `open` entries stand from `low` up to
 * there, the highest of which is among the likeliest. */
static __device__ struct crowd crowd_likeliest(const struct offer *offer, double most,
                                               const struct crowd *all, double limit,
                                               double target) {
    struct crowd above = {0, 0, all->most, all->most};
    wide_t low = all->least;
    for (double open = all->count; open > 1 && low < above.least;) {
        const wide_t middle = low + (above.least - low) / 2;
        struct crowd next = {above.count, above.sum, middle, all->most};
        crowd_gather(offer, most, middle + 1, above.least, &next);
        const double counted = next.count - above.count;
        if (next.count < limit && next.sum < target) {
            above = next;
            open -= counted;
        } else {
            low = middle + 1;
            open = counted;
        }
    }
    struct crowd found = {0, 0, low, all->most};
    crowd_gather(offer, most, found.least, found.most, &found);
    return found;
}

/* The sum of exp(logit / temperature - most) over the entries that were not told. */
static __device__ double crowd_others(const struct offer *offer, double most) {
    double sum = 0;
    for (int member = threadIdx.x; member < offer->members; member += blockDim.x)
        sum += exp(offer->pairs[member * offer->stride].logit - most);
    return block_sum(sum);
}

/* Order of numbers as order of bits; 0: less than any. */
static __device__ __forceinline__ wide_t bits_in_order(double value) {
    const wide_t bits = (wide_t)__double_as_longlong(value);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

/* The entry whose logit / temperature + noise is the largest of those that stand at `least` or above, the lower one where
 * equal. */
static __device__ int crowd_draw(const struct offer *offer, wide_t least, wide_t key) {
    wide_t best = 0, drawn = 0; /* the complement of the entry */
    for (int member = 0; member < offer->members; ++member) {
        int told;
        const struct best *pairs = offer_of(offer, member, &told);
        for (int i = threadIdx.x; i < told; i += blockDim.x) {
            if (standing(pairs[i].logit, pairs[i].entry) < least)
                continue;
            const wide_t value = bits_in_order(pairs[i].logit / offer->temperature +
                                               choice_noise(key, pairs[i].entry));
            const wide_t entry = (word_t)~pairs[i].entry;
            if (value > best || (value == best && entry > drawn)) {
                best = value;
                drawn = entry;
            }
        }
    }
    const wide_t most = block_most(best);
    return (int)~(word_t)block_most(best == most ? drawn : 0);
}

/* best [members][sequences][1 + candidates]: of the top_k likeliest entries (0: all) those that are before the share top_p
 * of the probability is reached, and one of them by noise, to next [sequences]. Keys are by sequence of the wave. */
extern "C" __global__ void choose_likely(const struct best *best, int *next, const wide_t *keys,
                                         int members, int sequences, int candidates, int first,
                                         double temperature, double top_p, int top_k,
                                         struct rt_fault *fault, int tag) {
    const long_t stride = candidates + 1;
    const struct offer offer = {best + blockIdx.x * stride, sequences * stride, members, candidates,
                                temperature};
    const struct crowd all = crowd_of(&offer);
    if (all.count == 0) { /* the whole block */
        if (threadIdx.x == 0)
            next[blockIdx.x] = 0;
        return;
    }
    const double most = at_standing(all.most).logit / temperature;
    struct crowd crowd =
        crowd_likeliest(&offer, most, &all, top_k > 0 ? top_k : candidates, (double)infinity());
    if (top_p < 1) {
        double whole = crowd.sum;
        if (top_k == 0) {
            struct crowd told = {0, 0, 0, 0};
            crowd_gather(&offer, most, 0, ~0ull, &told);
            whole = told.sum + crowd_others(&offer, most);
        }
        if (crowd.sum < top_p * whole && threadIdx.x == 0)
            tell(fault, RT_FAULT_PROBABLE, tag, first + (int)blockIdx.x,
                 (float)(crowd.sum / whole));
        crowd = crowd_likeliest(&offer, most, &crowd, crowd.count, top_p * whole);
    }
    const int drawn = crowd_draw(&offer, crowd.least, keys[first + blockIdx.x]);
    if (threadIdx.x == 0)
        next[blockIdx.x] = drawn;
}
