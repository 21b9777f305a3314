/* tokenizer: text to token ids and back, as a tokenizer file of the public hub says: byte-level and sentencepiece-style
 * byte pair encoding with what the files of the supported families need (docs/tokenizers.md). Any bytes go in: those
 * that are no UTF-8 become the entries of single bytes. The caller frees the tokenizer; its tables lie in the caller's
 * arena. It knows no model. */
#pragma once

#include "text/merge.h"

#include "base/buf.h"
#include "base/diag.h"

typedef struct Tokenizer Tokenizer;

enum { TOKENIZER_FILE_LIMIT = 64 << 20 };

/* Read a folder with tokenizer.json, or with vocab.json and merges.txt, and perhaps tokenizer_config.json; or such a
 * tokenizer.json itself. E0620 there is none, E0621 no JSON, E0622 keys and types, E0623 what is not supported, E0624
 * entries and merges that do not fit together, E0625 expressions. */
Status tokenizer_read(Arena *arena, const char *path, Tokenizer **tokenizer, Diag *diag);
void tokenizer_free(Tokenizer *tokenizer);

/* Is there a tokenizer in this folder? */
bool tokenizer_in(Arena *arena, const char *folder);

/* Append the ids of a text; `special`: with what the file puts before and after (begin of text). E0625 where an
 * expression takes too long. */
Status tokenizer_encode(Tokenizer *tokenizer, const char *text, size_t length, bool special,
                        Ids *ids, Diag *diag);

/* How far a text made of tokens one by one has come. Zero to begin. */
typedef struct TokenizerFlow {
    bool begun;
    int64_t stripped; /* characters taken from the front */
} TokenizerFlow;

/* Append the bytes of a token to what the flow's earlier ones made; nothing where the id is unknown, or special and
 * these are not wanted. Tokens may end within a character. */
void tokenizer_decode_next(const Tokenizer *tokenizer, TokenizerFlow *flow, int32_t id,
                           bool special, Buf *text);
void tokenizer_decode(const Tokenizer *tokenizer, const int32_t *ids, int64_t count, bool special,
                      Buf *text);

/* 1 + the greatest id; the file's name; id of an entry by its text (-1: none), and whether it is special. */
int64_t tokenizer_size(const Tokenizer *tokenizer);
const char *tokenizer_name(const Tokenizer *tokenizer);
int32_t tokenizer_id(const Tokenizer *tokenizer, const char *text);
bool tokenizer_is_special(const Tokenizer *tokenizer, int32_t id);
/* The entry that ends a text by tokenizer_config.json; -1: it names none. */
int32_t tokenizer_end(const Tokenizer *tokenizer);
