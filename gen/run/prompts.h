/* prompts: texts that a model is to go on with, from the command line and from files, and as tokens. All of it lies in the
 * run's arena. It knows no program, only the bounds that it is told. */
#pragma once

#include "run/command.h"
#include "run/tokens.h"
#include "text/tokenizer.h"

typedef struct Prompt {
    const char *text;
    size_t length;
    DiagPlace place; /* where it was written */
} Prompt;

typedef LIST_OF(Prompt) Prompts;

enum { PROMPTS_FILE_LIMIT = 64 << 20 };

/* Those of --prompt, then those of --prompts: one a line, or of a file *.jsonl a text, or an object with "prompt", a line.
 * E0850: no UTF-8; E0851: a line is none of these; E0852: the file has none. */
Status prompts_read(Run *run, Prompts *prompts);

/* As tokens. `max_new` 0: what fits, at most `usual`. E0812 to E0814 as tokens_read, at the prompt's place. */
Status prompts_tokens(Run *run, Tokenizer *tokenizer, const Prompts *prompts,
                      const TokensBounds *bounds, int64_t max_new, int64_t usual, Tokens *tokens);
