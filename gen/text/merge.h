/* merge: turns one piece of text into ids: its letters, then the merge of lowest rank until there is none, the leftmost
 * first among equals. With a heap and linked letters, so that a piece of n letters takes n log n. It remembers short
 * pieces. It knows neither files nor splitting. */
#pragma once

#include "text/vocabulary.h"

#include <stddef.h>

/* Ids of a text; the caller frees items. */
typedef struct Ids {
    int32_t *items;
    int64_t count, capacity;
} Ids;

void ids_push(Ids *ids, int32_t id);
void ids_free(Ids *ids);

typedef struct MergeLetter MergeLetter;
typedef struct MergeCandidate MergeCandidate;
typedef struct MergeMemory MergeMemory;

typedef struct Merger {
    const Vocabulary *vocabulary;
    bool bytes;         /* letters are bytes, else characters */
    bool byte_fallback; /* characters without an entry become the entries of their bytes */
    bool whole;         /* a piece that is an entry is that entry, whatever the merges say */
    bool fuse_unknown;  /* unknown letters side by side are one */
    int32_t unknown;    /* id of an unknown letter; -1: it is left out */
    MergeLetter *letters;
    MergeCandidate *heap;
    int64_t letter_capacity, heap_count, heap_capacity;
    MergeMemory *memory; /* made at the first use */
} Merger;

/* Append the ids of a piece. */
void merger_piece(Merger *merger, const char *text, size_t length, Ids *ids);
void merger_free(Merger *merger);
