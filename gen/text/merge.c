/* merge: see merge.h. Candidates in the heap may be stale: their letters have since been merged with others, which
 * shows in the ids that they were made of. */
#include "text/merge.h"

#include <stdlib.h>
#include <string.h>

struct MergeLetter {
    int32_t id;             /* -1: merged into the one before */
    int32_t before, behind; /* -1: none */
};

struct MergeCandidate {
    int32_t rank, at; /* of the left letter */
    int32_t left, right, id;
};

/* A table of pieces seen, one a slot: the newest stays. */
enum { MEMORY_SLOTS = 1 << 15, MEMORY_BYTES = 23, MEMORY_IDS = 7 };
struct MergeMemory {
    int32_t ids[MEMORY_IDS];
    uint32_t hash; /* further bits */
    uint8_t count, length;
    char bytes[MEMORY_BYTES];
};

static void *grown(void *items, int64_t *capacity, int64_t wanted, size_t size) {
    int64_t more = *capacity ? *capacity : 64;
    while (more < wanted)
        more *= 2;
    void *memory = realloc(items, (size_t)more * size);
    if (!memory)
        arena_exhausted((size_t)more * size);
    *capacity = more;
    return memory;
}

void ids_push(Ids *ids, int32_t id) {
    if (ids->count == ids->capacity)
        ids->items = grown(ids->items, &ids->capacity, ids->count + 1, sizeof *ids->items);
    ids->items[ids->count++] = id;
}

void ids_free(Ids *ids) {
    free(ids->items);
    *ids = (Ids){0};
}

/* --- heap ------------------------------------------------------------------------------------- */

static bool sooner(const MergeCandidate *a, const MergeCandidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(Merger *merger, MergeCandidate candidate) {
    if (merger->heap_count == merger->heap_capacity)
        merger->heap = grown(merger->heap, &merger->heap_capacity, merger->heap_count + 1,
                             sizeof *merger->heap);
    int64_t at = merger->heap_count++;
    for (int64_t up; at > 0 && sooner(&candidate, &merger->heap[up = (at - 1) / 2]); at = up)
        merger->heap[at] = merger->heap[up];
    merger->heap[at] = candidate;
}

static MergeCandidate heap_pop(Merger *merger) {
    MergeCandidate first = merger->heap[0], last = merger->heap[--merger->heap_count];
    int64_t at = 0, count = merger->heap_count;
    for (int64_t down; (down = 2 * at + 1) < count; at = down) {
        if (down + 1 < count && sooner(&merger->heap[down + 1], &merger->heap[down]))
            down++;
        if (!sooner(&merger->heap[down], &last))
            break;
        merger->heap[at] = merger->heap[down];
    }
    merger->heap[at] = last;
    return first;
}

/* --- letters ---------------------------------------------------------------------------------- */

static void add_letter(Merger *merger, int64_t *count, int32_t id) {
    if (*count == merger->letter_capacity)
        merger->letters =
            grown(merger->letters, &merger->letter_capacity, *count + 1, sizeof *merger->letters);
    merger->letters[*count] = (MergeLetter){id, (int32_t)*count - 1, (int32_t)*count + 1};
    ++*count;
}

static bool all_bytes_known(const Merger *merger, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (merger->vocabulary->byte_id[(unsigned char)text[i]] < 0)
            return false;
    return true;
}

/* The letters of a piece; unknown ones as the model wants them. */
static int64_t split_letters(Merger *merger, const char *text, size_t length) {
    const Vocabulary *vocabulary = merger->vocabulary;
    int64_t count = 0;
    bool after_unknown = false;
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t point;
        size = merger->bytes ? 1 : utf8_read(text + at, length - at, &point);
        bool letter = size > 0;
        size = letter ? size : 1;
        int32_t id = merger->bytes ? vocabulary->byte_id[(unsigned char)text[at]]
                     : letter      ? vocabulary_find(vocabulary, text + at, size)
                                   : -1;
        if (id >= 0) {
            add_letter(merger, &count, id);
        } else if (merger->byte_fallback && all_bytes_known(merger, text + at, size)) {
            for (size_t i = 0; i < size; i++)
                add_letter(merger, &count, vocabulary->byte_id[(unsigned char)text[at + i]]);
        } else if (merger->unknown >= 0) {
            if (!after_unknown || !merger->fuse_unknown)
                add_letter(merger, &count, merger->unknown);
            after_unknown = true;
            continue;
        }
        after_unknown = false;
    }
    if (count)
        merger->letters[count - 1].behind = -1;
    return count;
}

/* --- merging ---------------------------------------------------------------------------------- */

static void consider(Merger *merger, int32_t at) {
    const MergeLetter *left = &merger->letters[at];
    if (left->behind < 0)
        return;
    int32_t right = merger->letters[left->behind].id;
    const Merge *merge = vocabulary_merge(merger->vocabulary, left->id, right);
    if (merge)
        heap_push(merger, (MergeCandidate){merge->rank, at, left->id, right, merge->id});
}

/* Letters [begin, end), which no merge joins with those after them. */
static void merge_letters(Merger *merger, int64_t begin, int64_t end) {
    merger->heap_count = 0;
    for (int64_t i = begin; i + 1 < end; i++)
        consider(merger, (int32_t)i);
    while (merger->heap_count) {
        MergeCandidate best = heap_pop(merger);
        MergeLetter *left = &merger->letters[best.at];
        if (left->id != best.left || left->behind < 0 ||
            merger->letters[left->behind].id != best.right)
            continue;
        MergeLetter *right = &merger->letters[left->behind];
        left->id = best.id;
        left->behind = right->behind;
        right->id = -1;
        if (left->behind >= 0)
            merger->letters[left->behind].before = best.at;
        if (left->before >= 0)
            consider(merger, left->before);
        consider(merger, best.at);
    }
}

/* A long piece falls into parts between letters that no entry has side by side, as the words of a text do: many small
 * heaps instead of a large one. */
static void merge_parts(Merger *merger, int64_t count) {
    int64_t begin = 0;
    int32_t before = count ? merger->letters[0].id : -1;
    for (int64_t i = 1; i < count; i++) {
        int32_t id = merger->letters[i].id;
        if (!vocabulary_touches(merger->vocabulary, before, id)) {
            merge_letters(merger, begin, i);
            begin = i;
        }
        before = id;
    }
    merge_letters(merger, begin, count);
}

/* --- pieces ----------------------------------------------------------------------------------- */

static MergeMemory *remembered(Merger *merger, const char *text, size_t length, uint64_t hash) {
    if (!merger->memory) {
        merger->memory = calloc(MEMORY_SLOTS, sizeof *merger->memory);
        if (!merger->memory)
            arena_exhausted(MEMORY_SLOTS * sizeof *merger->memory);
    }
    MergeMemory *slot = &merger->memory[hash % MEMORY_SLOTS];
    if (slot->count && slot->hash == (uint32_t)(hash >> 32) && slot->length == length &&
        memcmp(slot->bytes, text, length) == 0)
        return slot;
    slot->count = 0;
    return slot;
}

static void remember(MergeMemory *slot, const char *text, size_t length, uint64_t hash,
                     const int32_t *ids, int64_t count) {
    if (count > MEMORY_IDS)
        return;
    slot->hash = (uint32_t)(hash >> 32);
    slot->count = (uint8_t)count;
    slot->length = (uint8_t)length;
    memcpy(slot->bytes, text, length);
    memcpy(slot->ids, ids, (size_t)count * sizeof *ids);
}

void merger_piece(Merger *merger, const char *text, size_t length, Ids *ids) {
    MergeMemory *slot = NULL;
    uint64_t hash = 0;
    if (length == 0)
        return;
    if (length <= MEMORY_BYTES) {
        hash = vocabulary_hash(text, length);
        slot = remembered(merger, text, length, hash);
        if (slot->count) {
            for (int i = 0; i < slot->count; i++)
                ids_push(ids, slot->ids[i]);
            return;
        }
    }
    int64_t before = ids->count;
    int32_t id = merger->whole ? vocabulary_find(merger->vocabulary, text, length) : -1;
    if (id >= 0) {
        ids_push(ids, id);
    } else {
        int64_t count = split_letters(merger, text, length);
        merge_parts(merger, count);
        for (int64_t i = count ? 0 : -1; i >= 0; i = merger->letters[i].behind)
            ids_push(ids, merger->letters[i].id);
    }
    if (slot && ids->count > before)
        remember(slot, text, length, hash, ids->items + before, ids->count - before);
}

void merger_free(Merger *merger) {
    free(merger->letters);
    free(merger->heap);
    free(merger->memory);
    merger->letters = NULL;
    merger->heap = NULL;
    merger->memory = NULL;
}
