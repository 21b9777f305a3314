/* facts: what a plan decides, as pairs of a subject and words, in one order for all plans: two plans differ
 * where the words of a subject do. Texts lie in the caller's arena. Private to gen/show. */
#pragma once

#include "base/arena.h"
#include "schedule/schedule.h"

typedef struct Fact {
    const char *what, *words;
} Fact;

typedef LIST_OF(Fact) Facts;

Facts facts_of(Arena *arena, const Schedule *schedule);
/* The words of a subject, or NULL. */
const char *facts_find(const Facts *facts, const char *what);
