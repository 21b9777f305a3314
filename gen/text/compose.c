/* compose: see compose.h. By the book (Unicode Standard, annex 15): decompose, order marks by class, compose. A run of
 * text is taken from one character that nothing before changes to the next, so that little is held at a time. */
#include "text/compose.h"

#include "text/unicode_tables.h"
#include "text/vocabulary.h"

#include <stdbool.h>
#include <stdlib.h>

/* Hangul syllables are composed by rule (Unicode Standard, 3.12). */
enum {
    HANGUL = 0xac00,
    LEADING = 0x1100,
    VOWEL = 0x1161,
    TRAILING = 0x11a7,
    LEADINGS = 19,
    VOWELS = 21,
    TRAILINGS = 28,
};

/* Characters below change nothing, and nothing changes them. */
enum { FIRST_MARK = 0x300, FIRST_DECOMPOSED = 0xc0 };

typedef struct Letter {
    uint32_t point, class;
} Letter;

typedef struct Letters {
    Letter *items;
    int64_t count, capacity;
} Letters;

static uint32_t class_of(uint32_t point) {
    int low = 0, high = unicode_mark_count;
    if (point < FIRST_MARK)
        return 0;
    while (low < high) {
        int middle = (low + high) / 2;
        const UnicodeMark *mark = &unicode_marks[middle];
        if (point < mark->first)
            high = middle;
        else if (point > mark->last)
            low = middle + 1;
        else
            return mark->class;
    }
    return 0;
}

static void push(Letters *letters, uint32_t point) {
    if (letters->count == letters->capacity) {
        letters->capacity = letters->capacity ? 2 * letters->capacity : 64;
        letters->items =
            realloc(letters->items, (size_t)letters->capacity * sizeof *letters->items);
        if (!letters->items)
            arena_exhausted((size_t)letters->capacity * sizeof *letters->items);
    }
    letters->items[letters->count++] = (Letter){point, class_of(point)};
}

static void decompose(Letters *letters, uint32_t point) {
    int low = 0, high = unicode_decomposition_count;
    if (point >= HANGUL && point < HANGUL + LEADINGS * VOWELS * TRAILINGS) {
        uint32_t index = point - HANGUL;
        push(letters, LEADING + index / (VOWELS * TRAILINGS));
        push(letters, VOWEL + index / TRAILINGS % VOWELS);
        if (index % TRAILINGS)
            push(letters, TRAILING + index % TRAILINGS);
        return;
    }
    while (point >= FIRST_DECOMPOSED && low < high) {
        int middle = (low + high) / 2;
        const UnicodePair *pair = &unicode_decompositions[middle];
        if (point < pair->a) {
            high = middle;
        } else if (point > pair->a) {
            low = middle + 1;
        } else {
            decompose(letters, pair->b); /* a few levels at most; the second is never composed */
            if (pair->c)
                push(letters, pair->c);
            return;
        }
    }
    push(letters, point);
}

static uint32_t composed(uint32_t first, uint32_t second) {
    if (first >= LEADING && first < LEADING + LEADINGS && second >= VOWEL &&
        second < VOWEL + VOWELS)
        return HANGUL + ((first - LEADING) * VOWELS + second - VOWEL) * TRAILINGS;
    if (first >= HANGUL && first < HANGUL + LEADINGS * VOWELS * TRAILINGS &&
        (first - HANGUL) % TRAILINGS == 0 && second > TRAILING && second < TRAILING + TRAILINGS)
        return first + second - TRAILING;
    int low = 0, high = unicode_composition_count;
    while (low < high) {
        int middle = (low + high) / 2;
        const UnicodePair *pair = &unicode_compositions[middle];
        if (pair->a < first || (pair->a == first && pair->b < second))
            low = middle + 1;
        else if (pair->a == first && pair->b == second)
            return pair->c;
        else
            high = middle;
    }
    return 0;
}

/* Stable, and n log n: a text may be nothing but marks. */
static void merge_sort(Letter *items, Letter *other, int64_t count) {
    if (count < 2)
        return;
    int64_t half = count / 2, a = 0, b = half, to = 0;
    merge_sort(items, other, half);
    merge_sort(items + half, other, count - half);
    while (a < half && b < count)
        other[to++] = items[b].class < items[a].class ? items[b++] : items[a++];
    while (a < half)
        other[to++] = items[a++];
    while (b < count)
        other[to++] = items[b++];
    for (int64_t i = 0; i < count; i++)
        items[i] = other[i];
}

static void order_marks(Letters *letters) {
    Letter *other = NULL;
    for (int64_t begin = 0, end; begin < letters->count; begin = end + 1) {
        bool sorted = true;
        for (end = begin; end < letters->count && letters->items[end].class; end++)
            sorted &= end == begin || letters->items[end - 1].class <= letters->items[end].class;
        if (sorted)
            continue;
        if (!other && !(other = malloc((size_t)letters->count * sizeof *other)))
            arena_exhausted((size_t)letters->count * sizeof *other);
        merge_sort(letters->items + begin, other, end - begin);
    }
    free(other);
}

static void compose(Letters *letters) {
    int64_t starter = -1, to = 0;
    uint32_t last = 0; /* class of what was kept after the starter; 0: nothing */
    for (int64_t i = 0; i < letters->count; i++) {
        Letter letter = letters->items[i];
        bool next = starter >= 0 && starter == to - 1;
        bool reaches = starter >= 0 && (next || (last && last < letter.class));
        uint32_t whole = reaches ? composed(letters->items[starter].point, letter.point) : 0;
        if (whole) {
            letters->items[starter].point = whole;
            continue;
        }
        if (letter.class == 0) {
            starter = to;
            last = 0;
        } else {
            last = letter.class;
        }
        letters->items[to++] = letter;
    }
    letters->count = to;
}

static void flush(Letters *letters, Buf *out) {
    order_marks(letters);
    compose(letters);
    for (int64_t i = 0; i < letters->count; i++) {
        char text[4];
        buf_append(out, text, utf8_write(letters->items[i].point, text));
    }
    letters->count = 0;
}

void compose_nfc(const char *text, size_t length, Buf *out) {
    Letters letters = {0};
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t point = 0;
        size = utf8_read(text + at, length - at, &point);
        if (size == 0 || point < FIRST_MARK)
            flush(&letters, out);
        if (size == 0) {
            buf_append(out, text + at, size = 1);
            continue;
        }
        if (size == 1) { /* a run of ASCII: all but its last letter are done */
            size_t run = 1;
            while (at + run < length && (unsigned char)text[at + run] < 0x80)
                run++;
            buf_append(out, text + at, run - 1);
            point = (unsigned char)text[at + run - 1];
            size = run;
        }
        decompose(&letters, point);
    }
    flush(&letters, out);
    free(letters.items);
}
