/* choices: what a random case is made of: one list of numbers. While a case is drawn at first they come of a counter
 * and are kept; played back they come of the list, and beyond its end every draw gives 0. Smaller numbers mean
 * simpler, so that a shorter or smaller list is a simpler case. It knows nothing of what is drawn. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

typedef LIST_OF(int64_t) ChoiceList;

typedef struct Choices {
    Arena *arena;
    ChoiceList list; /* drawn, or to be played back */
    int64_t next;    /* of the list */
    bool replay;
    uint64_t key, head; /* of the counter; of the draws before choices_body */
    bool in_head;
} Choices;

/* Case `number` of a seed. Cases of equal number / `alike` draw the same until choices_body. */
Choices choices_fresh(Arena *arena, uint64_t seed, uint64_t number, uint64_t alike);
Choices choices_replay(Arena *arena, const int64_t *values, int64_t count);
void choices_body(Choices *choices);

/* A number in [0, limit); 0 where limit is 1 or less, without a draw. */
int64_t draw(Choices *choices, int64_t limit);
/* The same, small ones more often. */
int64_t draw_low(Choices *choices, int64_t limit);
/* True once in so many times; false is simpler. */
bool draw_rare(Choices *choices, int64_t one_in);

/* A random permutation of a list; as it stands where all draws are 0. */
void draw_shuffle(Choices *choices, int64_t *items, int64_t count);
