/* pages: the man page and the shells' completions, made of the one table of verbs and options when gen is
 * built. What is written goes to a stream of the caller's. */
#pragma once

#include "run/options_table.h"

void pages_man(FILE *out);
void pages_bash(FILE *out);
void pages_zsh(FILE *out);

/* What a shell offers in the place of an argument, as its name in the help says. */
typedef enum PagesArgument {
    PAGES_NOTHING,     /* numbers, texts */
    PAGES_WORDS,       /* "host|cuda": one of these */
    PAGES_FILES,       /* files and directories */
    PAGES_DIRECTORIES, /* "DIR" */
    PAGES_STRATEGIES,
    PAGES_VERBS,
} PagesArgument;

PagesArgument pages_argument(const char *argument);

/* The names of the strategies that gen carries, separated by blanks. */
void pages_strategies(FILE *out);

static inline bool pages_takes(Verb verb, OptionId id) {
    return option_info[id].verbs & (1u << verb);
}
