/* split: the part of tokenizer_parts.h that cuts a text into pieces, step after step. Each step sees the pieces of the
 * one before, each for itself. */
#include "text/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

void pieces_push(Pieces *pieces, size_t begin, size_t end) {
    if (begin == end)
        return;
    if (pieces->count == pieces->capacity) {
        pieces->capacity = pieces->capacity ? 2 * pieces->capacity : 256;
        pieces->spans = realloc(pieces->spans, (size_t)pieces->capacity * sizeof *pieces->spans);
        if (!pieces->spans)
            arena_exhausted((size_t)pieces->capacity * sizeof *pieces->spans);
    }
    pieces->spans[pieces->count++] = (Span){begin, end};
}

void pieces_free(Pieces *pieces) {
    buf_free(&pieces->text);
    free(pieces->spans);
    *pieces = (Pieces){0};
}

/* --- by a pattern ----------------------------------------------------------------------------- */

/* What a piece of text between or of matches becomes, given those before it. */
typedef struct Cutter {
    const SplitStep *step;
    Pieces *out;
    size_t open;    /* where the piece begins that is not closed yet */
    bool any, last; /* is there an open piece; was what came last a match? */
} Cutter;

static void cut(Cutter *cutter, size_t begin, size_t end, bool match) {
    if (begin == end)
        return;
    match ^= cutter->step->invert;
    bool joins = false;
    switch (cutter->step->behavior) {
    case BEHAVIOR_REMOVED:
    case BEHAVIOR_ISOLATED:
        break;
    case BEHAVIOR_PREVIOUS:
        joins = match && !cutter->last;
        break;
    case BEHAVIOR_NEXT:
        joins = !match && cutter->last;
        break;
    case BEHAVIOR_CONTIGUOUS:
        joins = match == cutter->last;
        break;
    }
    if (!cutter->any || !joins) {
        if (cutter->any)
            pieces_push(cutter->out, cutter->open, begin);
        cutter->open = begin;
    }
    cutter->any = true;
    cutter->last = match;
    if (match && cutter->step->behavior == BEHAVIOR_REMOVED)
        cutter->any = false;
}

static bool split_span(const SplitStep *step, Span span, bool utf8, const char *text, Pieces *out) {
    Cutter cutter = {.step = step, .out = out};
    size_t length = span.end - span.begin, at = 0, begin, end;
    PatternFound found;
    while ((found = pattern_find(&step->pattern, text + span.begin, length, at, utf8, &begin,
                                 &end)) == PATTERN_FOUND) {
        cut(&cutter, span.begin + at, span.begin + begin, false);
        cut(&cutter, span.begin + begin, span.begin + end, true);
        at = end;
    }
    if (found == PATTERN_LIMIT)
        return false;
    cut(&cutter, span.begin + at, span.end, false);
    if (cutter.any)
        pieces_push(out, cutter.open, span.end);
    return true;
}

/* --- with other text -------------------------------------------------------------------------- */

static void prefix_space(Span span, const char *text, Pieces *out) {
    size_t begin = out->text.length;
    if (text[span.begin] != ' ')
        buf_putc(&out->text, ' ');
    buf_append(&out->text, text + span.begin, span.end - span.begin);
    pieces_push(out, begin, out->text.length);
}

static bool begins(const char *text, size_t length, const char *with, size_t with_length) {
    return length >= with_length && memcmp(text, with, with_length) == 0;
}

/* Pieces that begin with the mark each, and what stands before the first one. */
static void push_marked(const SplitStep *step, size_t at, Pieces *out) {
    const char *text = out->text.data;
    size_t length = out->text.length;
    while (step->split) {
        bool here = begins(text + at, length - at, step->mark, step->mark_length);
        size_t past = at + (here ? step->mark_length : 0);
        const char *mark = memmem(text + past, length - past, step->mark, step->mark_length);
        if (!mark)
            break;
        pieces_push(out, at, (size_t)(mark - text));
        at = (size_t)(mark - text);
    }
    pieces_push(out, at, length);
}

static void metaspace(const SplitStep *step, Span span, bool start, const char *text, Pieces *out) {
    size_t begin = out->text.length;
    bool marked = text[span.begin] == ' ' ||
                  begins(text + span.begin, span.end - span.begin, step->mark, step->mark_length);
    if (!marked && (step->first == FIRST_ALWAYS || (step->first == FIRST_ONLY && start)))
        buf_append(&out->text, step->mark, step->mark_length);
    for (size_t at = span.begin; at < span.end; at++)
        if (text[at] == ' ')
            buf_append(&out->text, step->mark, step->mark_length);
        else
            buf_putc(&out->text, text[at]);
    push_marked(step, begin, out);
}

/* --- all steps -------------------------------------------------------------------------------- */

static bool step_run(const SplitStep *step, bool start, bool utf8, const Pieces *in, Pieces *out) {
    const char *text = in->text.data;
    for (int64_t i = 0; i < in->count; i++) {
        if (step->kind == SPLIT_PREFIX_SPACE)
            prefix_space(in->spans[i], text, out);
        else if (step->kind == SPLIT_METASPACE)
            metaspace(step, in->spans[i], start && i == 0, text, out);
        else if (!split_span(step, in->spans[i], utf8, text, out))
            return false;
    }
    return true;
}

bool split_text(const SplitStep *steps, int64_t count, bool start, bool utf8, Pieces *pieces,
                Pieces *spare) {
    pieces->count = 0;
    pieces_push(pieces, 0, pieces->text.length);
    for (int64_t i = 0; i < count; i++) {
        bool rewrites = steps[i].kind != SPLIT_PATTERN;
        spare->count = 0;
        buf_clear(&spare->text);
        if (!step_run(&steps[i], start, utf8, pieces, spare))
            return false;
        Pieces swapped = *pieces;
        *pieces = *spare;
        *spare = swapped;
        if (!rewrites) { /* the text stays */
            Buf text = pieces->text;
            pieces->text = spare->text;
            spare->text = text;
        }
    }
    return true;
}
