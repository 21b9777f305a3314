/* choice: what head and choose agree upon. A sequence has choice_width pairs: of a choice that looks at few entries
 * {logarithm of the sum of exp(logit / temperature) over the entries that are not told, number of told ones}, then these,
 * unordered; else the best entry, its noise with it, alone. */
#pragma once

#include "kernel.h"

struct best {
    float logit;
    int32_t entry; /* -1: none */
};

static inline int64_t choice_width(int64_t candidates) {
    return candidates == 1 ? 1 : candidates + 1;
}

/* The larger logit, the lower entry where equal. */
static inline bool likelier(struct best a, struct best b) {
    return a.logit > b.logit || (a.logit == b.logit && a.entry < b.entry);
}

/* Does the choice fall on the likeliest entries alone? */
static inline bool choice_cuts(const rt_choice *choice) {
    return choice->temperature > 0 && (choice->top_k > 0 || choice->top_p < 1);
}
