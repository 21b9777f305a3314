/* meaning_slab: reading, writing, copying and adding spans of symbols. */
#include "meaning.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t nothing = 0x6e6f7468696e67u; /* bytes that nothing was written to */

uint64_t meaning_mix(uint64_t a, uint64_t b) {
    uint64_t z = a * 0x9e3779b97f4a7c15u + b + 0x632be59bd9b4e019u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int by_value(const void *a, const void *b) {
    const MeaningPart *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Bytes [begin, end) of a span, moved by `by`. */
static MeaningSpan slice(Arena *arena, const MeaningSpan *span, int64_t begin, int64_t end,
                         int64_t by) {
    MeaningSpan out = {begin + by, end + by, span->count, span->parts};
    if (begin == span->begin)
        return out;
    MeaningPart *parts = ARENA_ARRAY(arena, span->count, MeaningPart);
    for (int64_t i = 0; i < span->count; ++i)
        parts[i] = (MeaningPart){span->parts[i].value, span->parts[i].at + begin - span->begin};
    out.parts = parts;
    return out;
}

/* The first span that ends behind a byte. */
static int64_t span_at(const MeaningSlab *slab, int64_t byte) {
    int64_t low = 0, high = slab->spans.count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (slab->spans.items[middle].end <= byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void meaning_paste(MeaningSlab *slab, int64_t begin, const MeaningSpans *spans) {
    if (spans->count == 0)
        return;
    int64_t end = begin + spans->items[spans->count - 1].end;
    begin += spans->items[0].begin;
    int64_t first = span_at(slab, begin), last = first;
    MeaningSpans *all = &slab->spans;
    while (last < all->count && all->items[last].begin < end)
        ++last;
    MeaningSpan left = {0}, right = {0};
    if (first < last && all->items[first].begin < begin)
        left = slice(slab->arena, &all->items[first], all->items[first].begin, begin, 0);
    if (first < last && all->items[last - 1].end > end)
        right = slice(slab->arena, &all->items[last - 1], end, all->items[last - 1].end, 0);
    int64_t more = spans->count + (left.end > left.begin) + (right.end > right.begin);
    int64_t tail = all->count - last;
    for (int64_t i = last - first; i < more; ++i)
        LIST_PUSH(slab->arena, all);
    if (tail > 0)
        memmove(&all->items[first + more], &all->items[last], (size_t)tail * sizeof *all->items);
    all->count = first + more + tail;
    if (left.end > left.begin)
        all->items[first++] = left;
    int64_t by = begin - spans->items[0].begin;
    for (int64_t i = 0; i < spans->count; ++i) {
        all->items[first] = spans->items[i];
        all->items[first].begin += by;
        all->items[first++].end += by;
    }
    if (right.end > right.begin)
        all->items[first] = right;
}

void meaning_write(MeaningSlab *slab, int64_t begin, int64_t end, uint64_t value) {
    MeaningPart *part = ARENA_NEW(slab->arena, MeaningPart);
    part->value = value;
    MeaningSpan span = {0, end - begin, 1, part};
    MeaningSpans spans = {&span, 1, 1};
    if (end > begin)
        meaning_paste(slab, begin, &spans);
}

static void push(Arena *arena, MeaningSpans *spans, MeaningSpan span) {
    if (span.end > span.begin)
        *(MeaningSpan *)LIST_PUSH(arena, spans) = span;
}

static MeaningSpan gap(Arena *arena, int64_t begin, int64_t end) {
    MeaningPart *part = ARENA_NEW(arena, MeaningPart);
    *part = (MeaningPart){nothing, begin};
    return (MeaningSpan){begin, end, 1, part};
}

MeaningSpans meaning_copy(const MeaningSlab *slab, int64_t begin, int64_t end) {
    MeaningSpans out = {0};
    int64_t next = begin;
    for (int64_t i = span_at(slab, begin);
         i < slab->spans.count && slab->spans.items[i].begin < end; ++i) {
        const MeaningSpan *span = &slab->spans.items[i];
        int64_t from = span->begin > begin ? span->begin : begin;
        int64_t to = span->end < end ? span->end : end;
        push(slab->arena, &out, gap(slab->arena, next - begin, from - begin));
        push(slab->arena, &out, slice(slab->arena, span, from, to, -begin));
        next = to;
    }
    push(slab->arena, &out, gap(slab->arena, next - begin, end - begin));
    return out;
}

static bool continues(const MeaningSpan *a, const MeaningSpan *b) {
    if (a->end != b->begin || a->count != b->count)
        return false;
    for (int64_t i = 0; i < a->count; ++i)
        if (a->parts[i].value != b->parts[i].value ||
            a->parts[i].at + a->end - a->begin != b->parts[i].at)
            return false;
    return true;
}

uint64_t meaning_read(const MeaningSlab *slab, int64_t begin, int64_t end) {
    MeaningSpans spans = meaning_copy(slab, begin, end);
    uint64_t digest = (uint64_t)(end - begin);
    for (int64_t i = 0; i < spans.count; ++i) {
        const MeaningSpan *span = &spans.items[i];
        if (i > 0 && continues(&spans.items[i - 1], span))
            continue;
        digest = meaning_mix(digest, (uint64_t)span->begin);
        for (int64_t p = 0; p < span->count; ++p)
            digest =
                meaning_mix(meaning_mix(digest, span->parts[p].value), (uint64_t)span->parts[p].at);
    }
    return digest;
}

uint64_t meaning_value(const MeaningSlab *slab, int64_t begin, int64_t end) {
    MeaningSpans spans = meaning_copy(slab, begin, end);
    for (int64_t i = 1; i < spans.count; ++i)
        if (!continues(&spans.items[i - 1], &spans.items[i]))
            return 0;
    return spans.count > 0 && spans.items[0].count == 1 && spans.items[0].parts[0].at == 0
               ? spans.items[0].parts[0].value
               : 0;
}

MeaningSpans meaning_add(Arena *arena, const MeaningSpans *a, const MeaningSpans *b) {
    MeaningSpans out = {0};
    int64_t i = 0, k = 0, at = 0;
    while (i < a->count && k < b->count) {
        const MeaningSpan *x = &a->items[i], *y = &b->items[k];
        int64_t end = x->end < y->end ? x->end : y->end;
        MeaningSpan left = slice(arena, x, at, end, 0), right = slice(arena, y, at, end, 0);
        MeaningPart *parts = ARENA_ARRAY(arena, left.count + right.count, MeaningPart);
        memcpy(parts, left.parts, (size_t)left.count * sizeof *parts);
        memcpy(parts + left.count, right.parts, (size_t)right.count * sizeof *parts);
        qsort(parts, (size_t)(left.count + right.count), sizeof *parts, by_value);
        push(arena, &out, (MeaningSpan){at, end, left.count + right.count, parts});
        i += x->end == end;
        k += y->end == end;
        at = end;
    }
    return out;
}
