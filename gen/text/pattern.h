/* pattern: what a tokenizer file splits or replaces by: a plain text, or a regular expression of the dialect that these
 * files are written in (Oniguruma's), of which the part is taken that means the same to PCRE2. Owns the compiled
 * expression. It knows no tokenizer. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Pattern {
    const char *literal; /* plain text, or NULL */
    size_t literal_length;
    struct pcre2_real_code_8 *code; /* of the expression */
    struct pcre2_real_code_8
        *lenient; /* the same, which takes bytes that are no UTF-8 for a barrier */
    struct pcre2_real_match_data_8 *match;
    struct pcre2_real_match_context_8 *context;
    struct pcre2_real_jit_stack_8 *stack;
} Pattern;

/* Why an expression is refused: where in it, and what is the matter. */
typedef struct PatternError {
    size_t at;
    char text[160];
} PatternError;

void pattern_literal(Pattern *pattern, const char *text, size_t length);
bool pattern_compile(Pattern *pattern, Arena *scratch, const char *expression, PatternError *error);
void pattern_free(Pattern *pattern);

typedef enum PatternFound {
    PATTERN_NONE,
    PATTERN_FOUND,
    PATTERN_LIMIT, /* the search took too long, or too much memory */
} PatternFound;

/* The first match in text[from, length). `utf8`: all of it is known to be UTF-8. */
PatternFound pattern_find(const Pattern *pattern, const char *text, size_t length, size_t from,
                          bool utf8, size_t *begin, size_t *end);
