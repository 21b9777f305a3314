/* added: the part of tokenizer_parts.h that finds added tokens in a text: the longest at the first place where one
 * begins. Tokens are short, which bounds the search. */
#include "text/tokenizer_parts.h"

#include <string.h>

static AddedNode *slot_of(const AddedTree *tree, int32_t parent, unsigned char byte) {
    uint64_t key = ((uint64_t)parent << 8 | byte) + 1;
    uint64_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & tree->mask;
    while (tree->slots[at].key && tree->slots[at].key != key)
        at = (at + 1) & tree->mask;
    return &tree->slots[at];
}

void added_tree_begin(AddedTree *tree, Arena *arena, const AddedToken *tokens, size_t bytes) {
    uint64_t size = 16;
    while (size < 2 * bytes + 2)
        size *= 2;
    *tree = (AddedTree){.tokens = tokens, .mask = size - 1, .nodes = 1};
    tree->slots = ARENA_ARRAY(arena, size, AddedNode);
    tree->token = ARENA_ARRAY(arena, bytes + 1, int32_t);
    tree->token[0] = -1;
}

void added_tree_add(AddedTree *tree, const char *text, size_t length, int32_t token) {
    int32_t node = 0;
    if (length == 0)
        return;
    tree->begins[(unsigned char)text[0]] = true;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        AddedNode *slot = slot_of(tree, node, byte);
        if (!slot->key) {
            tree->token[tree->nodes] = -1;
            *slot = (AddedNode){((uint64_t)node << 8 | byte) + 1, tree->nodes++};
        }
        node = slot->node;
    }
    if (tree->token[node] < 0)
        tree->token[node] = token;
}

/* The longest token that begins at `at`; its length, 0: none does. */
static size_t longest(const AddedTree *tree, const char *text, size_t length, size_t at,
                      int32_t *token) {
    size_t best = 0;
    int32_t node = 0;
    for (size_t i = at; i < length; i++) {
        const AddedNode *slot = slot_of(tree, node, (unsigned char)text[i]);
        if (!slot->key)
            break;
        node = slot->node;
        if (tree->token[node] >= 0) {
            best = i + 1 - at;
            *token = tree->token[node];
        }
    }
    return best;
}

/* Unicode's White_Space. */
static bool is_space(uint32_t point) {
    return (point >= 9 && point <= 13) || point == 0x20 || point == 0x85 || point == 0xa0 ||
           point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
           point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

/* Begin of the character that ends at `end`. */
static size_t character_before(const char *text, size_t end) {
    size_t at = end - 1;
    while (at > 0 && end - at < 4 && ((unsigned char)text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static size_t spaces_before(const char *text, size_t least, size_t end) {
    while (end > least) {
        uint32_t point;
        size_t at = character_before(text, end);
        if (utf8_read(text + at, end - at, &point) != end - at || !is_space(point))
            break;
        end = at;
    }
    return end < least ? least : end;
}

static size_t spaces_after(const char *text, size_t length, size_t at) {
    uint32_t point;
    size_t size;
    while ((size = utf8_read(text + at, length - at, &point)) && is_space(point))
        at += size;
    return at;
}

static bool is_word(const Pattern *word, const char *text, size_t begin, size_t end) {
    size_t from, to;
    uint32_t point;
    size_t size = utf8_read(text + begin, end - begin, &point);
    return size && pattern_find(word, text + begin, size, 0, true, &from, &to) == PATTERN_FOUND;
}

static bool stands_alone(const Pattern *word, const char *text, size_t length, size_t begin,
                         size_t end) {
    return (begin == 0 || !is_word(word, text, character_before(text, begin), begin)) &&
           (end == length || !is_word(word, text, end, length));
}

bool added_tree_find(const AddedTree *tree, const Pattern *word, const char *text, size_t length,
                     size_t from, size_t taken, AddedMatch *match, size_t *next) {
    for (size_t at = from; at < length; at++) {
        int32_t found;
        if (!tree->begins[(unsigned char)text[at]])
            continue;
        size_t size = longest(tree, text, length, at, &found);
        if (size == 0)
            continue;
        const AddedToken *token = &tree->tokens[found];
        *next = at + size;
        if (token->single_word && !stands_alone(word, text, length, at, at + size)) {
            at += size - 1;
            continue;
        }
        size_t begin = token->lstrip ? spaces_before(text, taken, at) : at;
        size_t end = token->rstrip ? spaces_after(text, length, at + size) : at + size;
        begin = begin < taken ? taken : begin;
        *match = (AddedMatch){begin, end < begin ? begin : end, found};
        return true;
    }
    return false;
}
