/* vocabulary: see vocabulary.h. Both tables are open addressing, at most half full. */
#include "text/vocabulary.h"

#include <stdio.h>
#include <string.h>

/* --- byte-level alphabet ---------------------------------------------------------------------- */

/* The bytes that do not show, in order: 0 to 0x20, 0x7f to 0xa0, 0xad. */
enum { LOW = 0x21, HIGH = 0xa1 - 0x7f, HIDDEN = LOW + HIGH + 1 };

uint32_t byte_letter(unsigned char byte) {
    if (byte < LOW)
        return 0x100u + byte;
    if (byte >= 0x7f && byte <= 0xa0)
        return 0x100u + LOW + byte - 0x7f;
    return byte == 0xad ? 0x100u + HIDDEN - 1 : byte;
}

static int letter_byte(uint32_t letter) {
    if (letter >= 0x100 + HIDDEN)
        return -1;
    if (letter < 0x100)
        return byte_letter((unsigned char)letter) == letter ? (int)letter : -1;
    uint32_t hidden = letter - 0x100;
    return hidden < LOW ? (int)hidden : hidden < LOW + HIGH ? (int)(0x7f + hidden - LOW) : 0xad;
}

int64_t byte_letters_decode(const char *text, size_t length, char *bytes) {
    int64_t count = 0;
    for (size_t at = 0; at < length;) {
        uint32_t point;
        size_t size = utf8_read(text + at, length - at, &point);
        int byte = size ? letter_byte(point) : -1;
        if (byte < 0)
            return -1;
        bytes[count++] = (char)byte;
        at += size;
    }
    return count;
}

/* --- entries ---------------------------------------------------------------------------------- */

uint64_t vocabulary_hash(const char *bytes, size_t length) {
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) ^ length;
    for (; length >= 8; bytes += 8, length -= 8) {
        uint64_t eight;
        memcpy(&eight, bytes, 8);
        hash = (hash ^ eight) * UINT64_C(0xbf58476d1ce4e5b9);
        hash ^= hash >> 29;
    }
    uint64_t rest = 0;
    memcpy(&rest, bytes, length);
    hash = (hash ^ rest) * UINT64_C(0x94d049bb133111eb);
    return hash ^ hash >> 31;
}

static uint64_t table_mask(int64_t items) {
    uint64_t size = 16;
    while (size < 2 * (uint64_t)items + 2)
        size *= 2;
    return size - 1;
}

void vocabulary_begin(Vocabulary *vocabulary, Arena *arena, int64_t size, int64_t merges) {
    *vocabulary = (Vocabulary){.size = size, .mask = table_mask(size)};
    vocabulary->entries = ARENA_ARRAY(arena, size + 1, Entry);
    vocabulary->slots = ARENA_ARRAY(arena, vocabulary->mask + 1, int32_t);
    memset(vocabulary->slots, -1, (vocabulary->mask + 1) * sizeof *vocabulary->slots);
    vocabulary->merge_mask = table_mask(merges);
    vocabulary->merges = ARENA_ARRAY(arena, vocabulary->merge_mask + 1, Merge);
    for (uint64_t i = 0; i <= vocabulary->merge_mask; i++)
        vocabulary->merges[i].id = -1;
}

/* The slot of these bytes, or the free one where they belong. */
static int32_t *slot_of(const Vocabulary *vocabulary, const char *bytes, size_t length) {
    uint64_t at = vocabulary_hash(bytes, length) & vocabulary->mask;
    for (;; at = (at + 1) & vocabulary->mask) {
        int32_t id = vocabulary->slots[at];
        if (id < 0)
            return &vocabulary->slots[at];
        const Entry *entry = &vocabulary->entries[id];
        if (entry->length == length && memcmp(entry->bytes, bytes, length) == 0)
            return &vocabulary->slots[at];
    }
}

bool vocabulary_add(Vocabulary *vocabulary, int32_t id, const Entry *entry) {
    if (entry->bytes) {
        int32_t *slot = slot_of(vocabulary, entry->bytes, entry->length);
        if (*slot >= 0)
            return false;
        *slot = id;
    }
    vocabulary->entries[id] = *entry;
    vocabulary->entries[id].present = true;
    return true;
}

int32_t vocabulary_find(const Vocabulary *vocabulary, const char *bytes, size_t length) {
    return *slot_of(vocabulary, bytes, length);
}

void vocabulary_bytes(Vocabulary *vocabulary, bool named) {
    for (int b = 0; b < 256; b++) {
        char text[8] = {(char)b};
        size_t length = named ? (size_t)snprintf(text, sizeof text, "<0x%02X>", (unsigned)b) : 1;
        vocabulary->byte_id[b] = vocabulary_find(vocabulary, text, length);
    }
}

/* --- merges ----------------------------------------------------------------------------------- */

static uint64_t pair_hash(int32_t left, int32_t right) {
    uint64_t hash = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right);
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static Merge *merge_slot(const Vocabulary *vocabulary, int32_t left, int32_t right) {
    uint64_t at = pair_hash(left, right) & vocabulary->merge_mask;
    for (;; at = (at + 1) & vocabulary->merge_mask) {
        Merge *merge = &vocabulary->merges[at];
        if (merge->id < 0 || (merge->left == left && merge->right == right))
            return merge;
    }
}

bool vocabulary_add_merge(Vocabulary *vocabulary, const Merge *merge) {
    Merge *slot = merge_slot(vocabulary, merge->left, merge->right);
    if (slot->id >= 0)
        return false;
    *slot = *merge;
    vocabulary->merge_count++;
    return true;
}

const Merge *vocabulary_merge(const Vocabulary *vocabulary, int32_t left, int32_t right) {
    const Merge *merge = merge_slot(vocabulary, left, right);
    return merge->id < 0 ? NULL : merge;
}

/* --- letters side by side --------------------------------------------------------------------- */

enum { TOUCH_BITS = 1 << 20 };

static uint64_t touch_bit(int32_t left, int32_t right) {
    return pair_hash(left, right) % TOUCH_BITS;
}

static void touch_entry(Vocabulary *vocabulary, const Entry *entry, bool bytes) {
    int32_t before = -1;
    for (size_t at = 0, size; entry->bytes && at < entry->length; at += size) {
        uint32_t point;
        size = bytes ? 1 : utf8_read(entry->bytes + at, entry->length - at, &point);
        size = size ? size : 1;
        int32_t letter = vocabulary_find(vocabulary, entry->bytes + at, size);
        if (before >= 0 && letter >= 0) {
            uint64_t bit = touch_bit(before, letter);
            vocabulary->touch[bit / 64] |= UINT64_C(1) << bit % 64;
        }
        before = letter;
    }
}

/* Does a merge join a letter that its text does not show? */
static bool joins_hidden(const Vocabulary *vocabulary, const Merge *merge, bool bytes,
                         int32_t unknown) {
    if (unknown >= 0 && (merge->left == unknown || merge->right == unknown))
        return true;
    for (int b = 0; !bytes && b < 256; b++)
        if (vocabulary->byte_id[b] >= 0 &&
            (merge->left == vocabulary->byte_id[b] || merge->right == vocabulary->byte_id[b]))
            return true;
    return false;
}

void vocabulary_touch(Vocabulary *vocabulary, Arena *arena, bool bytes, int32_t unknown) {
    for (uint64_t i = 0; i <= vocabulary->merge_mask; i++)
        if (vocabulary->merges[i].id >= 0 &&
            joins_hidden(vocabulary, &vocabulary->merges[i], bytes, unknown))
            return;
    vocabulary->touch = ARENA_ARRAY(arena, TOUCH_BITS / 64, uint64_t);
    for (int64_t i = 0; i < vocabulary->size; i++)
        touch_entry(vocabulary, &vocabulary->entries[i], bytes);
}

bool vocabulary_touches(const Vocabulary *vocabulary, int32_t left, int32_t right) {
    uint64_t bit = touch_bit(left, right);
    return !vocabulary->touch || (vocabulary->touch[bit / 64] >> bit % 64 & 1);
}
