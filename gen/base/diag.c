/* Diag: see diag.h. Texts lie in the arena that the owner set. What is printed may hold a user's
 * bytes, so characters that steer a terminal are never passed on. */
#include "base/diag.h"

#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SHOWN = 120 }; /* longer lines (JSON on one line) are shown as a window */

/* Where the next message goes: a free slot or, so that an error is never lost behind notes, the
 * slot of the last message that is none. NULL when the message is to be dropped. */
static DiagMessage *slot_for(Diag *diag, DiagLevel level) {
    if (diag->count < DIAG_LIMIT)
        return &diag->messages[diag->count++];
    diag->dropped++;
    if (level != DIAG_ERROR)
        return NULL;
    for (int64_t i = DIAG_LIMIT - 1; i >= 0; i--)
        if (diag->messages[i].level != DIAG_ERROR) {
            memmove(&diag->messages[i], &diag->messages[i + 1],
                    (size_t)(DIAG_LIMIT - 1 - i) * sizeof(DiagMessage));
            return &diag->messages[DIAG_LIMIT - 1];
        }
    return NULL;
}

enum {
    TEXT_MAX = 8 << 10, /* bytes of a message: scripts raise errors of any length */
    CUT_MAX = 48,       /* for the words that say so */
};

static size_t character(const char *text, size_t left);

/* The text, formatted to `kept` bytes, is one of `length`: end it before a character and tell how much is left out. */
static void shorten(char *text, size_t kept, size_t length) {
    size_t end = 0, next;
    while (end < kept && end + (next = character(text + end, kept - end)) < kept)
        end += next;
    if (length > kept)
        sprintf(text + end, "... (%zu bytes more)", length - end);
}

static char *record_text(Arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t whole = length < 0 ? 0 : (size_t)length, kept = whole < TEXT_MAX ? whole : TEXT_MAX;
    char *text = arena_alloc(arena, kept + CUT_MAX);
    vsnprintf(text, kept + 1, format, args);
    shorten(text, kept, whole);
    return text;
}

static char *record_help(Arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static char *record_help(Arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = record_text(arena, format, args);
    va_end(args);
    return text;
}

static const char *source_name(DiagPlace place) {
    return place.source && place.source->name ? place.source->name : "";
}

/* Is the same said of the same place already? Once is enough, though two readers met it. */
static bool is_told(const Diag *diag, DiagLevel level, DiagPlace place, const char *code,
                    const char *text) {
    for (int64_t i = 0; i < diag->count; i++) {
        const DiagMessage *message = &diag->messages[i];
        if (message->level == level && strcmp(message->code, code) == 0 &&
            message->place.line == place.line && message->place.column == place.column &&
            strcmp(source_name(message->place), source_name(place)) == 0 &&
            strcmp(message->text, text) == 0)
            return true;
    }
    return false;
}

static void record(Diag *diag, DiagLevel level, DiagPlace place, const char *code, const char *help,
                   const char *format, va_list args) {
    assert(diag->arena && "the owner of a Diag sets its arena");
    if (level == DIAG_ERROR)
        diag->errors++;
    const char *text = record_text(diag->arena, format, args);
    DiagMessage *message = is_told(diag, level, place, code, text) ? NULL : slot_for(diag, level);
    if (!message)
        return;
    *message = (DiagMessage){.level = level, .place = place, .code = code, .text = text};
    if (help)
        message->help = record_help(diag->arena, "%s", help);
}

Status diag_error(Diag *diag, DiagPlace place, const char *code, const char *help,
                  const char *format, ...) {
    va_list args;
    va_start(args, format);
    record(diag, DIAG_ERROR, place, code, help, format, args);
    va_end(args);
    return STATUS_DATA;
}

void diag_warning(Diag *diag, DiagPlace place, const char *code, const char *help,
                  const char *format, ...) {
    va_list args;
    va_start(args, format);
    record(diag, DIAG_WARNING, place, code, help, format, args);
    va_end(args);
}

void diag_note(Diag *diag, DiagPlace place, const char *code, const char *help, const char *format,
               ...) {
    va_list args;
    va_start(args, format);
    record(diag, DIAG_NOTE, place, code, help, format, args);
    va_end(args);
}

/* --- nearest name ----------------------------------------------------------------------------- */

enum { WORD_MAX = 64 };

/* Edit distance with transpositions of neighbours, two rows and one before; words up to
 * WORD_MAX. */
static int distance(const char *a, const char *b) {
    int rows[3][WORD_MAX + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    for (int j = 0; j <= m; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *row = rows[i % 3], *above = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = above[j - 1] +
                       (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *diag_nearest(const char *word, const char *const *names) {
    const char *nearest = NULL;
    int length = (int)strlen(word), best = length / 3 + 1;
    if (length > WORD_MAX)
        return NULL;
    for (; *names; names++) {
        if (strlen(*names) > WORD_MAX)
            continue;
        int d = distance(word, *names);
        if (d < best) {
            best = d;
            nearest = *names;
        }
    }
    return nearest;
}

/* --- rendering -------------------------------------------------------------------------------- */

static void put_safe(const char *text, size_t length, FILE *out) {
    for (size_t i = 0, size; i < length; i += size ? size : 1) {
        uint32_t point;
        size = text_steering(text + i, length - i, &point);
        fputc(size && point != '\t' && point != '\n' ? '?' : text[i], out);
    }
}

/* Bytes of the UTF-8 character at `text`; 1 for what is none. */
static size_t character(const char *text, size_t left) {
    unsigned char c = (unsigned char)text[0];
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    for (size_t i = 1; i < size; i++)
        if (i >= left || ((unsigned char)text[i] & 0xc0) != 0x80)
            return 1;
    return size;
}

/* Start and length of line `number` (from 1) of a text; false when the text is shorter. */
static bool find_line(const char *text, int64_t number, const char **line, size_t *length) {
    for (int64_t i = 1; i < number; i++) {
        text = strchr(text, '\n');
        if (!text)
            return false;
        text++;
    }
    *line = text;
    *length = strcspn(text, "\r\n");
    return true;
}

/* The quoted line and, under it, the caret: columns count characters, tabs stay tabs. */
static void render_quote(const DiagPlace *place, FILE *out) {
    const char *line;
    size_t length;
    if (!place->source->text || !find_line(place->source->text, place->line, &line, &length))
        return;
    int64_t first = place->column > LINE_SHOWN * 2 / 3 ? place->column - LINE_SHOWN / 3 : 1;
    size_t begin = 0;
    for (int64_t column = 1; column < first && begin < length; column++)
        begin += character(line + begin, length - begin);
    size_t end = begin, caret = begin;
    int64_t shown = 0, under = 0;
    for (; end < length && shown < LINE_SHOWN; shown++) {
        if (first + shown < place->column)
            caret = end + character(line + end, length - end);
        else if (first + shown < place->column + place->width)
            under++;
        end += character(line + end, length - end);
    }
    const char *cut = begin ? "..." : "";
    fprintf(out, "%5lld | %s", (long long)place->line, cut);
    put_safe(line + begin, end - begin, out);
    fprintf(out, "%s\n", end < length ? "..." : "");
    if (place->column < 1)
        return;
    fprintf(out, "      | %*s", (int)strlen(cut), "");
    for (size_t i = begin; i < caret; i += character(line + i, length - i))
        fputc(line[i] == '\t' ? '\t' : ' ', out);
    for (int64_t i = 0; i < (under ? under : 1); i++)
        fputc('^', out);
    fputc('\n', out);
}

static void render_message(const Diag *diag, const DiagMessage *message, FILE *out) {
    static const char *const levels[] = {"error", "warning", "note"};
    static const char *const colors[] = {"\033[1;31m", "\033[1;35m", "\033[1;36m"};
    const DiagPlace *place = &message->place;
    if (place->source) {
        put_safe(place->source->name, strlen(place->source->name), out);
        if (place->line > 0)
            fprintf(out, ":%lld", (long long)place->line);
        if (place->line > 0 && place->column > 0)
            fprintf(out, ":%lld", (long long)place->column);
    } else {
        fputs("gen", out);
    }
    fprintf(out, ": %s%s[%s]%s: ", diag->color ? colors[message->level] : "",
            levels[message->level], message->code, diag->color ? "\033[0m" : "");
    put_safe(message->text, strlen(message->text), out);
    fputc('\n', out);
    if (place->source && place->line > 0)
        render_quote(place, out);
    if (message->help) {
        fputs("  help: ", out);
        put_safe(message->help, strlen(message->help), out);
        fputc('\n', out);
    }
}

void diag_render(const Diag *diag, FILE *out) {
    for (int64_t i = 0; i < diag->count; i++)
        render_message(diag, &diag->messages[i], out);
    if (diag->dropped)
        fprintf(out, "gen: %lld more message%s not shown\n", (long long)diag->dropped,
                diag->dropped == 1 ? "" : "s");
}
