/* text_out: the text of one sequence as its tokens come: how much of it may be shown already, and where it ends. A text that
 * may be the begin of a stop string, and the begin of a character, are held back. It prints nothing. */
#pragma once

#include "text/tokenizer.h"

typedef struct TextStops {
    const char *const *texts; /* [count], none of them empty */
    int64_t count;
    size_t longest;
} TextStops;

typedef enum TextEnd {
    TEXT_GOES_ON,
    TEXT_END_TOKEN,   /* a token that ends it */
    TEXT_STOP_STRING, /* one of these stood in it; it is cut off there */
    TEXT_LENGTH,      /* no more tokens were asked for */
} TextEnd;
extern const char *const text_end_names[];

typedef struct TextOut {
    TokenizerFlow flow;
    Buf text;
    Ids ids;
    size_t shown; /* bytes that the caller has shown: kept by the caller */
    TextEnd end;
} TextOut;

/* The next token. `end`: why it is the last one, else TEXT_GOES_ON; one that ends the text is no part of it. After the end
 * tokens change nothing. */
void text_out_add(TextOut *out, const Tokenizer *tokenizer, const TextStops *stops, int32_t id,
                  TextEnd end);

/* Bytes of the text that stay as they are. */
size_t text_out_ready(const TextOut *out, const TextStops *stops);
void text_out_free(TextOut *out);

/* Append UTF-8 for people and for JSON: what is none becomes U+FFFD, as does NUL; `tame`: also what steers a terminal. */
void text_readable(const char *text, size_t length, bool tame, Buf *out);
