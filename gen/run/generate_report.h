/* generate_report: what is told of texts that were made: as JSON all of it, else one line about the time. */
#pragma once

#include "run/command.h"
#include "run/tokens.h"
#include "text/text_out.h"

/* Texts under way; everything but ids and texts lies in the run's arena. */
typedef struct Generation {
    Tokenizer *tokenizer;
    Tokens tokens;   /* of the prompts */
    Ids ends;        /* tokens that end a text */
    TextStops stops; /* strings that do */
    TokensChoice choice;
    TextOut *outs; /* [sequences] */
    int64_t ended; /* texts that have */
    int64_t front; /* the first text that is not printed whole */
    bool headed;   /* its heading is */
    bool json, terminal;
} Generation;

/* `output`: what the program printed, JSON. E0801 where it is not what this gen knows. */
Status generate_report(Run *run, const Generation *generation, const Buf *output);
