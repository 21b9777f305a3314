/* pattern: see pattern.h. An expression is rewritten construct by construct: what is not known to mean the same in
 * both dialects is refused, so that no text is split in another way than its author meant. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include "base/buf.h"
#include "text/vocabulary.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXPRESSION_BYTES = 1 << 14,
    STACK_LEAST = 32 << 10,
    STACK_MOST = 16 << 20,
    MATCH_LIMIT = 5000000, /* steps of one match */
};

/* --- from Oniguruma to PCRE2 ------------------------------------------------------------------ */

typedef struct Rewrite {
    const char *begin, *at;
    Buf out;
    PatternError *error;
    int depth;
} Rewrite;

static bool refuse(Rewrite *rewrite, const char *what) {
    rewrite->error->at = (size_t)(rewrite->at - rewrite->begin);
    snprintf(rewrite->error->text, sizeof rewrite->error->text, "%s", what);
    return false;
}

/* \p{Name}, \P{Name}: general categories, some properties, and scripts, which PCRE2 without sc: takes with what other
 * scripts share with them. */
static bool property(Rewrite *rewrite) {
    static const char *const plain[] = {"Alphabetic", "White_Space", "Join_Control"};
    const char *name = rewrite->at[2] == '{' ? rewrite->at + 3 : "";
    size_t letters = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_");
    if (letters == 0 || letters > 40 || name[letters] != '}')
        return refuse(rewrite, "a property is written \\p{Name}");
    bool script = letters > 2;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        script &= strlen(plain[i]) != letters || memcmp(plain[i], name, letters) != 0;
    buf_printf(&rewrite->out, "\\%c{%s%.*s}", rewrite->at[1], script ? "sc:" : "", (int)letters,
               name);
    rewrite->at = name + letters + 1;
    return true;
}

/* An escape; \s is Unicode's White_Space for the one, and more for the other. */
static bool escape(Rewrite *rewrite) {
    char c = rewrite->at[1];
    if (c == 'p' || c == 'P')
        return property(rewrite);
    if (c == 's' || c == 'S') {
        buf_puts(&rewrite->out, c == 's' ? "\\p{White_Space}" : "\\P{White_Space}");
    } else if (c == 'd' || c == 'D') {
        buf_puts(&rewrite->out, c == 'd' ? "\\p{Nd}" : "\\P{Nd}");
    } else if (c && strchr("rntfv", c)) {
        static const char codes[] = "r\rn\nt\tf\fv\v";
        buf_printf(&rewrite->out, "\\x{%02x}", (unsigned)strchr(codes, c)[1]);
    } else if (c && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ", c)) {
        buf_append(&rewrite->out, rewrite->at, 2);
    } else {
        return refuse(rewrite, "this escape is not supported: those that are: \\s \\S \\d \\D "
                               "\\p{} \\P{} \\r \\n \\t \\f \\v, and marks");
    }
    rewrite->at += 2;
    return true;
}

static bool class(Rewrite *rewrite) {
    buf_putc(&rewrite->out, *rewrite->at++);
    if (*rewrite->at == '^')
        buf_putc(&rewrite->out, *rewrite->at++);
    if (*rewrite->at == ']')
        return refuse(rewrite, "an empty set of characters");
    while (*rewrite->at && *rewrite->at != ']') {
        if (*rewrite->at == '[')
            return refuse(rewrite, "a set within a set is not supported; \\[ is the bracket");
        if (*rewrite->at == '&' && rewrite->at[1] == '&')
            return refuse(rewrite, "intersections of sets are not supported");
        if (*rewrite->at == '\\') {
            if (!escape(rewrite))
                return false;
        } else {
            buf_putc(&rewrite->out, *rewrite->at++);
        }
    }
    if (!*rewrite->at)
        return refuse(rewrite, "the set of characters has no end");
    buf_putc(&rewrite->out, *rewrite->at++);
    return true;
}

static bool group(Rewrite *rewrite) {
    static const char *const kinds[] = {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"};
    size_t length = rewrite->at[1] == '?' ? 0 : 1;
    for (size_t i = 0; !length && i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(rewrite->at, kinds[i], strlen(kinds[i])) == 0)
            length = strlen(kinds[i]);
    if (!length || ++rewrite->depth > 64)
        return refuse(rewrite, "this kind of group is not supported: those that are: ( (?: (?i: "
                               "(?= (?! (?<= (?<! (?>");
    buf_append(&rewrite->out, rewrite->at, length);
    rewrite->at += length;
    return true;
}

/* {n}, {n,}, {n,m}; only the other dialect takes a + after it for one more quantifier. */
static bool braces(Rewrite *rewrite) {
    size_t digits = strspn(rewrite->at + 1, "0123456789"), length = 1 + digits;
    if (rewrite->at[length] == ',')
        length += 1 + strspn(rewrite->at + length + 1, "0123456789");
    if (digits == 0 || rewrite->at[length] != '}' || rewrite->at[length + 1] == '+')
        return refuse(rewrite, "repetitions are written {n}, {n,} or {n,m}; \\{ is the brace");
    buf_append(&rewrite->out, rewrite->at, length + 1);
    rewrite->at += length + 1;
    return true;
}

static bool rewrite_all(Rewrite *rewrite) {
    while (*rewrite->at) {
        bool good = true;
        switch (*rewrite->at) {
        case '\\':
            good = escape(rewrite);
            break;
        case '[':
            good = class(rewrite);
            break;
        case '(':
            good = group(rewrite);
            break;
        case '{':
            good = braces(rewrite);
            break;
        case '^':
        case '$':
        case '.':
            good = refuse(rewrite, "^, $ and . are not supported: they differ between dialects");
            break;
        default:
            rewrite->depth -= *rewrite->at == ')';
            buf_putc(&rewrite->out, *rewrite->at++);
        }
        if (!good)
            return false;
    }
    buf_putc(&rewrite->out, '\0');
    return true;
}

/* --- compiling -------------------------------------------------------------------------------- */

static pcre2_code *compile(const char *expression, uint32_t options, PatternError *error) {
    int code;
    size_t at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | options, &code, &at, NULL);
    if (!compiled) {
        PCRE2_UCHAR text[120];
        pcre2_get_error_message(code, text, sizeof text);
        snprintf(error->text, sizeof error->text, "%s", (const char *)text);
        return NULL;
    }
    /* Without the compiler of machine code, which some machines forbid, it is interpreted. */
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    return compiled;
}

void pattern_literal(Pattern *pattern, const char *text, size_t length) {
    *pattern = (Pattern){.literal = text, .literal_length = length};
}

bool pattern_compile(Pattern *pattern, Arena *scratch, const char *expression,
                     PatternError *error) {
    Rewrite rewrite = {.begin = expression, .at = expression, .error = error};
    *pattern = (Pattern){0};
    *error = (PatternError){0};
    if (strlen(expression) > EXPRESSION_BYTES)
        return refuse(&rewrite, "the expression is too long");
    bool good = rewrite_all(&rewrite);
    const char *text = good ? arena_strdup(scratch, rewrite.out.data) : NULL;
    buf_free(&rewrite.out);
    if (!good)
        return false;
    pattern->code = compile(text, 0, error);
    pattern->lenient = pattern->code ? compile(text, PCRE2_MATCH_INVALID_UTF, error) : NULL;
    if (!pattern->lenient) {
        pattern_free(pattern);
        return false;
    }
    uint32_t empty = 0;
    pcre2_pattern_info(pattern->code, PCRE2_INFO_MATCHEMPTY, &empty);
    if (empty) {
        pattern_free(pattern);
        return refuse(&rewrite, "the expression matches nothing at all, too, which splits nowhere");
    }
    pattern->match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    pattern->context = pcre2_match_context_create(NULL);
    pattern->stack = pcre2_jit_stack_create(STACK_LEAST, STACK_MOST, NULL);
    if (!pattern->match || !pattern->context || !pattern->stack)
        arena_exhausted(STACK_LEAST);
    pcre2_jit_stack_assign(pattern->context, NULL, pattern->stack);
    pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
    return true;
}

void pattern_free(Pattern *pattern) {
    pcre2_code_free(pattern->code);
    pcre2_code_free(pattern->lenient);
    pcre2_match_data_free(pattern->match);
    pcre2_match_context_free(pattern->context);
    pcre2_jit_stack_free(pattern->stack);
    *pattern = (Pattern){0};
}

/* --- searching -------------------------------------------------------------------------------- */

static PatternFound find_literal(const Pattern *pattern, const char *text, size_t length,
                                 size_t from, size_t *begin, size_t *end) {
    if (pattern->literal_length == 0)
        return PATTERN_NONE;
    const char *at = memmem(text + from, length - from, pattern->literal, pattern->literal_length);
    if (!at)
        return PATTERN_NONE;
    *begin = (size_t)(at - text);
    *end = *begin + pattern->literal_length;
    return PATTERN_FOUND;
}

PatternFound pattern_find(const Pattern *pattern, const char *text, size_t length, size_t from,
                          bool utf8, size_t *begin, size_t *end) {
    if (from >= length)
        return PATTERN_NONE;
    if (pattern->literal)
        return find_literal(pattern, text, length, from, begin, end);
    int got = pcre2_match(utf8 ? pattern->code : pattern->lenient, (PCRE2_SPTR)text, length, from,
                          (utf8 ? PCRE2_NO_UTF_CHECK : 0), pattern->match, pattern->context);
    if (got == PCRE2_ERROR_NOMATCH)
        return PATTERN_NONE;
    if (got < 0)
        return PATTERN_LIMIT;
    const size_t *found = pcre2_get_ovector_pointer(pattern->match);
    *begin = found[0];
    *end = found[1];
    return PATTERN_FOUND;
}
