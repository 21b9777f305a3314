/* tokens: what a user gives a program to work on: F.json, an array of arrays of token ids. They
 * lie in the caller's arena. This module knows neither models nor programs, only the bounds that
 * it is told. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "text/merge.h"

#include <stddef.h>
#include <stdint.h>

enum { TOKENS_FILE_LIMIT = 64 << 20 };

typedef struct Tokens {
    int64_t sequences, longest;
    int32_t *lengths; /* [sequences], 1 .. longest */
    int32_t *ids;     /* [sequences][longest], zeros past a sequence's end */
    int64_t max_new;  /* new tokens of each sequence */
} Tokens;

typedef struct TokensBounds {
    int64_t vocabulary; /* ids are below */
    int64_t prompt;     /* the most tokens of a prompt */
    int64_t context;    /* the most tokens of a prompt and what follows it */
} TokensBounds;

/* Read F.json. `max_new` 0: what fits, at most 16. E0810 no JSON, E0811 not an array of arrays
 * of ids, E0812 an id outside the vocabulary, E0813 a prompt that is empty or too long, E0814
 * too many new tokens: each with line and column. */
Status tokens_read(Arena *arena, const char *path, const TokensBounds *bounds, int64_t max_new,
                   Tokens *tokens, Diag *diag);

/* How many new tokens: `wanted`, or, of 0, what fits after the longest prompt, at most `usual`. E0814 at `place`. */
Status tokens_choose_new(Tokens *tokens, const TokensBounds *bounds, int64_t wanted, int64_t usual,
                         DiagPlace place, Diag *diag);

/* How new tokens are chosen: all zeros: the likeliest. */
typedef struct TokensChoice {
    double temperature, top_p; /* top_p 0: all */
    int64_t top_k;             /* 0: all */
    int64_t seed;
} TokensChoice;

/* Write them as the program takes them, with the ids that end a sequence, and how new ones are chosen. E0904. */
Status tokens_write(const char *path, const Tokens *tokens, const Ids *stop,
                    const TokensChoice *choice, Diag *diag);

/* `sequences` prompts of varied lengths and ids by counter, the first of full length; new tokens
 * min(8, context - prompt + 1). */
void tokens_make(Arena *arena, const TokensBounds *bounds, int64_t sequences, Tokens *tokens);
