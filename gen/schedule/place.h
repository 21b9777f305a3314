/* place: the plan as one rank sees it: which copy, group, heads, vocabulary, experts. Derived once from
 * the plan; lowering, holdings and show read it. Lies in the caller's arena; knows nothing of operations. */
#pragma once

#include "plan/plan.h"

/* An expert part on a rank. Slots are numbered per layer in order of (expert, first column), so that a slot
 * holds another expert in another layer where the plan says so. */
typedef struct PlaceSlot {
    int64_t layer, slot, expert;
    Range columns;
    int64_t replica;
} PlaceSlot;

typedef struct Place {
    int64_t rank, copy;
    int64_t base; /* first rank of the copy: plan ranks + base are actual ranks */
    int64_t node;
    int64_t stage; /* of the pipeline */
    Range layers;  /* of the stage */
    bool first_stage, last_stage;
    const PlanGroup *group; /* NULL: no attention here */
    int64_t group_index;    /* counted over the stages */
    bool first_group;       /* of its stage: its tensors are primary */
    int64_t member, members;
    Range heads, kv;     /* query heads; the key-value heads that they need */
    Range dense, shared; /* columns of feed-forwards that all tokens pass; empty: none */
    bool serves_shared;  /* `shared` is a slot for rows of others too: it lies among the experts */
    bool shared_primary;
    Range embedding, head;            /* vocabulary entries; empty: none */
    bool embedding_split, head_split; /* the group's members hold different entries */
    LIST_OF(PlaceSlot) slots;         /* ascending layer, slot */
    int64_t slot_count;               /* the most slots of any layer, with the shared one */
    int64_t
        routed_count; /* the most without it; it comes after them, by that number in every layer */
    int64_t columns;  /* the widest slot without it */
} Place;

/* Places of all ranks, [copies x ranks_per_copy]. The plan must have passed plan_validate. */
Place *place_all(Arena *arena, const Plan *plan);

/* Sequences of micro-batch `microbatch` of a group: [begin, end) within the group's requests. */
Range place_sequences(const PlanGroup *group, int64_t microbatch, int64_t microbatches);

/* Rows of a micro-batch of `rows` rows that member j of n owns. */
Range place_owned(int64_t rows, int64_t member, int64_t members);
