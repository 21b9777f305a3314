/* unicode_tables: what composition (NFC) needs to know of characters: all ascending, to be searched. */
#pragma once

#include <stdint.h>

/* Characters [first, last] that combine, and their class. */
typedef struct UnicodeMark {
    uint32_t first, last, class;
} UnicodeMark;

/* decompositions: character a is b and then c (0: b alone). compositions: a and then b become c. */
typedef struct UnicodePair {
    uint32_t a, b, c;
} UnicodePair;

extern const UnicodeMark unicode_marks[];
extern const int unicode_mark_count;
extern const UnicodePair unicode_decompositions[], unicode_compositions[];
extern const int unicode_decomposition_count, unicode_composition_count;
