/* vocabulary: the entries of a tokenizer and its merges: bytes to id, id to text, and which two entries make a third.
 * All of it lies in the arena of who builds it. It knows neither files nor how a text is split. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    VOCABULARY_IDS = 1 << 22,   /* ids are below */
    VOCABULARY_BYTES = 1 << 12, /* of an entry */
};

/* An entry. `text` is what the file writes, `bytes` what it stands for in a piece of text: the same, or the bytes of
 * its characters in the byte-level alphabet; NULL: no piece of text can be it. */
typedef struct Entry {
    const char *text, *bytes;
    uint32_t text_length, length;
    bool present;
} Entry;

/* Two entries side by side become one; lower ranks go first. An empty slot has id -1. */
typedef struct Merge {
    int32_t left, right, rank, id;
} Merge;

typedef struct Vocabulary {
    Entry *entries; /* [size] by id */
    int64_t size;   /* 1 + the greatest id */
    int32_t *slots; /* [mask + 1] hash of bytes -> id, -1: free */
    uint64_t mask;
    Merge *merges; /* [merge_mask + 1] hash of the pair */
    uint64_t merge_mask;
    int64_t merge_count;
    uint64_t *touch; /* bits by hash of two letters side by side in some entry; NULL: unknown */
    int32_t byte_id[256]; /* of a single byte, or of "<0xXX>": vocabulary_bytes; -1: none */
} Vocabulary;

/* Room for `size` ids, and for `merges` merges. */
void vocabulary_begin(Vocabulary *vocabulary, Arena *arena, int64_t size, int64_t merges);

/* Add an entry under an id below the size that is not taken. False: its bytes are those of another one. */
bool vocabulary_add(Vocabulary *vocabulary, int32_t id, const Entry *entry);

/* Id of what stands for these bytes in a piece of text; -1: nothing does. */
int32_t vocabulary_find(const Vocabulary *vocabulary, const char *bytes, size_t length);

/* Add a merge of two entries that makes entry `id`. False: the pair has one. */
bool vocabulary_add_merge(Vocabulary *vocabulary, const Merge *merge);

/* The merge of a pair, or NULL. */
const Merge *vocabulary_merge(const Vocabulary *vocabulary, int32_t left, int32_t right);

/* Find the entries of single bytes: those of their names "<0xXX>" where `named`, else those that are the byte. */
void vocabulary_bytes(Vocabulary *vocabulary, bool named);

/* Note which letters (bytes, or characters) stand side by side in entries. Not where merges join entries that letters
 * fall back to: bytes by name, and `unknown` (-1: none). */
void vocabulary_touch(Vocabulary *vocabulary, Arena *arena, bool bytes, int32_t unknown);

/* May a merge join what ends with one letter and what begins with the other? */
bool vocabulary_touches(const Vocabulary *vocabulary, int32_t left, int32_t right);

uint64_t vocabulary_hash(const char *bytes, size_t length);

/* --- the byte-level alphabet: each byte as a character that can be seen ------------------------------------------ */

/* The character that stands for a byte: printable ASCII and Latin-1 for themselves, others U+0100 and on. */
uint32_t byte_letter(unsigned char byte);
/* The bytes that a text in that alphabet stands for, into `bytes` (as long as the text); -1: it has other characters. */
int64_t byte_letters_decode(const char *text, size_t length, char *bytes);

/* --- UTF-8 --------------------------------------------------------------------------------------------------------- */

/* Bytes of the character at `text`, and which it is; 0: what stands there is no UTF-8 (RFC 3629). */
size_t utf8_read(const char *text, size_t left, uint32_t *point);
/* Write a character into `text` (4 bytes); its length. */
size_t utf8_write(uint32_t point, char *text);
/* Where the first byte stands that is no UTF-8; `length`: all of it is. */
size_t utf8_valid(const char *text, size_t length);
