/* read: the parts of reading a tokenizer, each for a section of its files. They fill the tokenizer, whose tables lie in
 * the arena, and free nothing: who reads the whole does. */
#pragma once

#include "base/jsonp.h"
#include "text/tokenizer_parts.h"

typedef struct TokenizerReader {
    Arena *arena;
    Diag *diag;
    Tokenizer *tokenizer;
    bool letters; /* entries are written in the byte-level alphabet */
} TokenizerReader;

/* What a list of entries, or of merges, comes from: a JSON object or list, or lines of a text. */
typedef struct MergeText {
    const char *left, *right;
    size_t left_length, right_length;
} MergeText;

/* read_pieces.c: normalizer, pre_tokenizer. */
Status read_normalizer(TokenizerReader *reader, const Jsonp *root);
Status read_splitter(TokenizerReader *reader, const Jsonp *root);
/* The split of GPT-2, which files of that time do not write down. */
Status read_default_splitter(TokenizerReader *reader);

/* read_decoder.c: post_processor, decoder. */
Status read_around(TokenizerReader *reader, const Jsonp *root);
Status read_decoder(TokenizerReader *reader, const Jsonp *root);
void read_default_decoder(TokenizerReader *reader);

/* read_model.c: model and added_tokens; entries of vocab.json and merges.txt. */
Status read_model(TokenizerReader *reader, const Jsonp *root);
Status read_vocabulary_files(TokenizerReader *reader, const Jsonp *vocabulary, const char *merges);

/* A {"String": text} or {"Regex": text}. */
Status read_pattern(TokenizerReader *reader, const Jsonp *object, const char *key,
                    Pattern *pattern);
/* The `type` of a part is none that gen knows; `known` lists those. */
Status read_unknown_type(const Jsonp *part, const char *what, const char *type, const char *known);

/* A text in the tokenizer's arena. */
Status read_copy(TokenizerReader *reader, const Jsonp *object, const char *key,
                 const char *fallback, const char **text, size_t *length);
