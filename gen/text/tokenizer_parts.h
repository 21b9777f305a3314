/* tokenizer_parts: what a tokenizer consists of, shared by the files that read it, encode and decode. */
#pragma once

#include "text/pattern.h"
#include "text/tokenizer.h"

/* --- before splitting: changes of the text ------------------------------------------------------- */

typedef enum NormalKind { NORMAL_PREPEND, NORMAL_REPLACE, NORMAL_NFC } NormalKind;

typedef struct Normal {
    NormalKind kind;
    Pattern pattern;     /* of replace */
    const char *content; /* of prepend and replace */
    size_t content_length;
} Normal;

/* --- splitting -------------------------------------------------------------------------------------- */

typedef enum SplitKind {
    SPLIT_PATTERN,
    SPLIT_PREFIX_SPACE, /* a piece that begins with no space gets one */
    SPLIT_METASPACE,    /* spaces become `mark`, which is also put first; pieces begin with it */
} SplitKind;

typedef enum SplitBehavior { /* what becomes of a match */
                             BEHAVIOR_REMOVED,
                             BEHAVIOR_ISOLATED,
                             BEHAVIOR_PREVIOUS,
                             BEHAVIOR_NEXT,
                             BEHAVIOR_CONTIGUOUS,
} SplitBehavior;

typedef enum SplitFirst { FIRST_NEVER, FIRST_ALWAYS, FIRST_ONLY } SplitFirst;

typedef struct SplitStep {
    SplitKind kind;
    Pattern pattern;
    SplitBehavior behavior;
    bool invert;
    const char *mark; /* of metaspace */
    size_t mark_length;
    SplitFirst first; /* which pieces get the mark */
    bool split;
} SplitStep;

typedef struct Span {
    size_t begin, end;
} Span;

/* A text and its pieces. */
typedef struct Pieces {
    Buf text;
    Span *spans;
    int64_t count, capacity;
} Pieces;

void pieces_push(Pieces *pieces, size_t begin, size_t end);
void pieces_free(Pieces *pieces);

/* Split pieces->text as the steps say; false: a pattern took too long. `start`: the text is the begin of all. `spare` is
 * scratch. */
bool split_text(const SplitStep *steps, int64_t count, bool start, bool utf8, Pieces *pieces,
                Pieces *spare);

/* --- added tokens: found in the text before all else --------------------------------------------- */

typedef struct AddedToken {
    const char *content;
    size_t length;
    int32_t id;
    bool single_word, lstrip, rstrip, normalized, special;
} AddedToken;

/* Which tokens begin where: a tree of bytes. */
typedef struct AddedNode {
    uint64_t key; /* parent x 256 + byte + 1; 0: free */
    int32_t node;
} AddedNode;

typedef struct AddedTree {
    const AddedToken *tokens;
    AddedNode *slots;
    uint64_t mask;
    int32_t nodes;
    int32_t *token; /* [nodes] that ends here, -1: none */
    bool begins[256];
} AddedTree;

typedef struct AddedMatch {
    size_t begin, end;
    int32_t token;
} AddedMatch;

enum { ADDED_BYTES = 256, ADDED_ALL_BYTES = 1 << 20 };

/* A tree for tokens of so many bytes in all. */
void added_tree_begin(AddedTree *tree, Arena *arena, const AddedToken *tokens, size_t bytes);
/* Add a token by its text; an earlier token of the same text stays. */
void added_tree_add(AddedTree *tree, const char *text, size_t length, int32_t token);
/* The longest token that begins first in text[from, length). `taken`: where the last one ended, before which spaces are
 * not this one's. */
bool added_tree_find(const AddedTree *tree, const Pattern *word, const char *text, size_t length,
                     size_t from, size_t taken, AddedMatch *match, size_t *next);

/* --- decoding --------------------------------------------------------------------------------------- */

typedef enum UndoKind {
    UNDO_LETTERS, /* the byte-level alphabet */
    UNDO_REPLACE,
    UNDO_BYTES, /* <0xXX> */
    UNDO_STRIP,
    UNDO_METASPACE,
} UndoKind;

typedef struct Undo {
    UndoKind kind;
    Pattern pattern;
    const char *content; /* of replace and strip; the mark of metaspace */
    size_t content_length;
    int64_t start, stop; /* of strip: how many at most */
    bool first;          /* of metaspace: marks of the first token go */
} Undo;

/* --- all ---------------------------------------------------------------------------------------------- */

typedef struct Tokenizer {
    const char *name;
    Vocabulary vocabulary;
    Merger merger;
    Normal *normals;
    int64_t normal_count;
    SplitStep *splits;
    int64_t split_count;
    AddedToken *added;
    int64_t added_count;
    AddedTree raw, normalized; /* tokens found before and after the normals */
    Pattern word;              /* a character of a word */
    Ids before, after;         /* put around a text */
    Undo *undos;
    int64_t undo_count;
    int64_t fused;      /* undos from here on see the whole text; undo_count: none do */
    bool spaced;        /* there is no decoder: tokens are joined by spaces */
    uint8_t *special;   /* [size] */
    int32_t end;        /* id that ends a text; -1: unknown */
    Pieces work, spare; /* scratch */
    Buf normal, other;
} Tokenizer;

/* Append the normalised text. */
bool normalize_text(const Normal *normals, int64_t count, const char *text, size_t length,
                    bool utf8, Buf *out, Buf *spare);

/* Replace all matches; false: a pattern took too long. */
bool pattern_replace(const Pattern *pattern, const char *text, size_t length, bool utf8,
                     const char *content, size_t content_length, Buf *out);
