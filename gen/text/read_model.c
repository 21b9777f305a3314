/* read_model: entries, merges and added tokens of a tokenizer's files. Every id, text and pair stands once; a merge makes
 * an entry that is there. */
#include "text/read.h"

#include "base/fs.h"

#include <string.h>

enum { ADDED_MOST = 1 << 16 };

/* --- entries ---------------------------------------------------------------------------------- */

/* 1 + the greatest id among entries and added tokens, which are checked here. */
static Status count_ids(const Jsonp *vocabulary, const Jsonp *added, int64_t *size) {
    const char *key;
    json_t *value;
    *size = 0;
    json_object_foreach(vocabulary->value, key, value) {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id >= VOCABULARY_IDS) {
            Jsonp field = {vocabulary->file, value, vocabulary, key, 0};
            return jsonp_error(&field, "E0624", NULL, "ids are whole numbers from 0 to %d",
                               VOCABULARY_IDS - 1);
        }
        *size = id >= *size ? id + 1 : *size;
    }
    for (size_t i = 0; added && i < json_array_size(added->value); i++) {
        Jsonp item = jsonp_item(added, (int64_t)i);
        int64_t id;
        TRY(jsonp_int(&item, "id", 0, VOCABULARY_IDS - 1, 0, &id));
        *size = id >= *size ? id + 1 : *size;
    }
    return STATUS_OK;
}

/* A text as an entry: what it stands for, where it can stand for something. */
static Entry entry_of(const TokenizerReader *reader, const char *text, size_t length) {
    Entry entry = {.text = arena_strndup(reader->arena, text, length),
                   .text_length = (uint32_t)length};
    if (reader->letters) {
        char *bytes = arena_alloc(reader->arena, length + 1);
        int64_t count = byte_letters_decode(text, length, bytes);
        entry.bytes = count < 0 ? NULL : bytes;
        entry.length = (uint32_t)(count < 0 ? 0 : count);
    } else {
        entry.bytes = entry.text;
        entry.length = entry.text_length;
    }
    return entry;
}

static Status read_entries(TokenizerReader *reader, const Jsonp *vocabulary) {
    Vocabulary *to = &reader->tokenizer->vocabulary;
    const char *key;
    json_t *value;
    json_object_foreach(vocabulary->value, key, value) {
        Jsonp field = {vocabulary->file, value, vocabulary, key, 0};
        int32_t id = (int32_t)json_integer_value(value);
        size_t length = strlen(key);
        if (length > VOCABULARY_BYTES)
            return jsonp_error(&field, "E0624", NULL, "an entry has at most %d bytes",
                               VOCABULARY_BYTES);
        if (to->entries[id].present)
            return jsonp_error(&field, "E0624", "every id stands once", "id %d is that of \"%s\"",
                               id, to->entries[id].text);
        Entry entry = entry_of(reader, key, length);
        if (!vocabulary_add(to, id, &entry))
            return jsonp_error(&field, "E0624", NULL, "another entry stands for the same text");
    }
    return STATUS_OK;
}

/* --- merges ----------------------------------------------------------------------------------- */

static int32_t find_entry(const TokenizerReader *reader, const char *text, size_t length,
                          char *bytes) {
    const Vocabulary *vocabulary = &reader->tokenizer->vocabulary;
    if (length > VOCABULARY_BYTES || length == 0)
        return -1;
    if (!reader->letters)
        return vocabulary_find(vocabulary, text, length);
    int64_t count = byte_letters_decode(text, length, bytes);
    return count < 0 ? -1 : vocabulary_find(vocabulary, bytes, (size_t)count);
}

/* Add a merge; what is wrong with it otherwise. */
static const char *add_merge(TokenizerReader *reader, const MergeText *text, int64_t rank) {
    char both[2 * VOCABULARY_BYTES + 1], bytes[2 * VOCABULARY_BYTES + 1];
    Vocabulary *vocabulary = &reader->tokenizer->vocabulary;
    int32_t left = find_entry(reader, text->left, text->left_length, bytes);
    int32_t right = find_entry(reader, text->right, text->right_length, bytes);
    if (left < 0 || right < 0)
        return "a merge is of two entries, and one of these is none";
    memcpy(both, text->left, text->left_length);
    memcpy(both + text->left_length, text->right, text->right_length);
    int32_t id = find_entry(reader, both, text->left_length + text->right_length, bytes);
    if (id < 0)
        return "what this merge makes is no entry";
    if (!vocabulary_add_merge(vocabulary, &(Merge){left, right, (int32_t)rank, id}))
        return "this merge stands here twice";
    return NULL;
}

/* "left right", or a list of the two. */
static bool merge_text(const json_t *value, MergeText *text) {
    if (json_is_string(value)) {
        const char *line = json_string_value(value), *space = strchr(line, ' ');
        if (!space || strchr(space + 1, ' '))
            return false;
        *text = (MergeText){line, space + 1, (size_t)(space - line), strlen(space + 1)};
        return true;
    }
    const json_t *left = json_array_get(value, 0), *right = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_string(left) || !json_is_string(right))
        return false;
    *text = (MergeText){json_string_value(left), json_string_value(right), json_string_length(left),
                        json_string_length(right)};
    return true;
}

static Status read_merges(TokenizerReader *reader, const Jsonp *merges) {
    for (size_t i = 0; i < json_array_size(merges->value); i++) {
        const json_t *value = json_array_get(merges->value, i);
        MergeText text;
        const char *wrong = "a merge is written \"left right\" or [\"left\", \"right\"]";
        if (merge_text(value, &text))
            wrong = add_merge(reader, &text, (int64_t)i);
        if (wrong) {
            Jsonp field = jsonp_item(merges, (int64_t)i);
            return jsonp_error(&field, "E0624", NULL, "%s", wrong);
        }
    }
    return STATUS_OK;
}

/* --- added tokens ----------------------------------------------------------------------------- */

static Status read_added_token(TokenizerReader *reader, const Jsonp *item, AddedToken *token) {
    Tokenizer *tokenizer = reader->tokenizer;
    int64_t id;
    TRY(jsonp_keys(item, "an added token",
                   "id content single_word lstrip rstrip normalized special"));
    Jsonp number = jsonp_member(item, "id");
    if (!jsonp_there(&number))
        return jsonp_error(item, "E0622", NULL, "\"id\" is missing");
    TRY(jsonp_int(item, "id", 0, VOCABULARY_IDS - 1, 0, &id));
    TRY(read_copy(reader, item, "content", NULL, &token->content, &token->length));
    TRY(jsonp_bool(item, "single_word", false, &token->single_word));
    TRY(jsonp_bool(item, "lstrip", false, &token->lstrip));
    TRY(jsonp_bool(item, "rstrip", false, &token->rstrip));
    TRY(jsonp_bool(item, "special", false, &token->special));
    TRY(jsonp_bool(item, "normalized", !token->special, &token->normalized));
    token->id = (int32_t)id;
    Jsonp content = jsonp_member(item, "content");
    if (token->length == 0 || token->length > ADDED_BYTES)
        return jsonp_error(&content, "E0624", NULL, "an added token has 1 to %d bytes",
                           ADDED_BYTES);
    Entry *entry = &tokenizer->vocabulary.entries[id];
    if (entry->present && strcmp(entry->text, token->content) != 0)
        return jsonp_error(&number, "E0624", "every id stands once", "id %lld is that of \"%s\"",
                           (long long)id, entry->text);
    if (!entry->present)
        *entry = (Entry){
            .text = token->content, .text_length = (uint32_t)token->length, .present = true};
    tokenizer->special[id] = token->special;
    return STATUS_OK;
}

/* The trees of those found in the text as it is, and as it is normalised, as they are then themselves. */
static Status plant_trees(TokenizerReader *reader, const Jsonp *list) {
    Tokenizer *tokenizer = reader->tokenizer;
    size_t bytes[2] = {0, 0};
    Buf text = {0}, spare = {0};
    for (int plant = 0; plant < 2; plant++) {
        if (bytes[0] + bytes[1] > ADDED_ALL_BYTES)
            break;
        if (plant) {
            added_tree_begin(&tokenizer->raw, reader->arena, tokenizer->added, bytes[0]);
            added_tree_begin(&tokenizer->normalized, reader->arena, tokenizer->added, bytes[1]);
        }
        for (int64_t i = 0; i < tokenizer->added_count; i++) {
            const AddedToken *token = &tokenizer->added[i];
            AddedTree *tree = token->normalized ? &tokenizer->normalized : &tokenizer->raw;
            buf_clear(&text);
            buf_append(&text, token->content, token->length);
            if (token->normalized)
                normalize_text(tokenizer->normals, tokenizer->normal_count, token->content,
                               token->length, true, &text, &spare);
            bytes[token->normalized] += text.length;
            if (!plant)
                continue;
            added_tree_add(tree, text.data, text.length, (int32_t)i);
            if (token->normalized && text.length) { /* decoders undo what normals do */
                Entry *entry = &tokenizer->vocabulary.entries[token->id];
                entry->text = arena_strndup(reader->arena, text.data, text.length);
                entry->text_length = (uint32_t)text.length;
            }
        }
    }
    buf_free(&text);
    buf_free(&spare);
    if (bytes[0] + bytes[1] > 2 * (size_t)ADDED_ALL_BYTES || !tokenizer->raw.slots)
        return jsonp_error(list, "E0624", NULL, "the added tokens have more than %d bytes in all",
                           ADDED_ALL_BYTES);
    return STATUS_OK;
}

static Status read_added(TokenizerReader *reader, const Jsonp *list) {
    Tokenizer *tokenizer = reader->tokenizer;
    size_t count = json_array_size(list->value);
    if (count > ADDED_MOST)
        return jsonp_error(list, "E0624", NULL, "there are more than %d added tokens", ADDED_MOST);
    tokenizer->added = ARENA_ARRAY(reader->arena, count + 1, AddedToken);
    for (size_t i = 0; i < count; i++) {
        Jsonp item = jsonp_item(list, (int64_t)i);
        TRY(read_added_token(reader, &item, &tokenizer->added[tokenizer->added_count]));
        tokenizer->added_count++;
    }
    return plant_trees(reader, list);
}

/* --- all -------------------------------------------------------------------------------------- */

static Status refuse_text(const Jsonp *model, const char *key) {
    const char *text;
    TRY(jsonp_text(model, key, "", &text));
    Jsonp field = jsonp_member(model, key);
    if (*text)
        return jsonp_error(&field, "E0623", "gen knows: null, \"\"",
                           "the %s \"%s\" is not supported", key, text);
    return STATUS_OK;
}

static Status read_merger(TokenizerReader *reader, const Jsonp *model) {
    Tokenizer *tokenizer = reader->tokenizer;
    Merger *merger = &tokenizer->merger;
    const char *unknown;
    Jsonp dropout = jsonp_member(model, "dropout"), field = jsonp_member(model, "unk_token");
    TRY(refuse_text(model, "continuing_subword_prefix"));
    TRY(refuse_text(model, "end_of_word_suffix"));
    if (jsonp_there(&dropout) && json_number_value(dropout.value) != 0)
        return jsonp_error(&dropout, "E0623", "gen knows: null",
                           "a dropout would make ids by chance");
    *merger =
        (Merger){.vocabulary = &tokenizer->vocabulary, .bytes = reader->letters, .unknown = -1};
    TRY(jsonp_bool(model, "byte_fallback", false, &merger->byte_fallback));
    TRY(jsonp_bool(model, "ignore_merges", false, &merger->whole));
    TRY(jsonp_bool(model, "fuse_unk", false, &merger->fuse_unknown));
    TRY(jsonp_text(model, "unk_token", "", &unknown));
    vocabulary_bytes(&tokenizer->vocabulary, !reader->letters);
    char bytes[VOCABULARY_BYTES + 1];
    if (*unknown)
        merger->unknown = find_entry(reader, unknown, strlen(unknown), bytes);
    for (int64_t i = 0; *unknown && merger->unknown < 0 && i < tokenizer->vocabulary.size; i++)
        if (tokenizer->vocabulary.entries[i].present &&
            strcmp(tokenizer->vocabulary.entries[i].text, unknown) == 0)
            merger->unknown = (int32_t)i;
    vocabulary_touch(&tokenizer->vocabulary, reader->arena, reader->letters, merger->unknown);
    return *unknown && merger->unknown < 0
               ? jsonp_error(&field, "E0624", NULL, "\"unk_token\" is no entry of the vocabulary")
               : STATUS_OK;
}

Status read_model(TokenizerReader *reader, const Jsonp *root) {
    Tokenizer *tokenizer = reader->tokenizer;
    Jsonp model, vocabulary, merges, added = jsonp_member(root, "added_tokens");
    const char *type;
    int64_t size;
    TRY(jsonp_object(root, "model", &model));
    TRY(jsonp_text(&model, "type", "BPE", &type));
    if (strcmp(type, "BPE") != 0)
        return read_unknown_type(&model, "model", type, "BPE");
    TRY(jsonp_keys(&model, "the model",
                   "type dropout unk_token continuing_subword_prefix end_of_word_suffix fuse_unk "
                   "byte_fallback ignore_merges vocab merges"));
    TRY(jsonp_object(&model, "vocab", &vocabulary));
    TRY(jsonp_array(&model, "merges", &merges));
    if (jsonp_there(&added))
        TRY(jsonp_array(root, "added_tokens", &added));
    TRY(count_ids(&vocabulary, &added, &size));
    vocabulary_begin(&tokenizer->vocabulary, reader->arena, size,
                     (int64_t)json_array_size(merges.value));
    tokenizer->special = ARENA_ARRAY(reader->arena, size + 1, uint8_t);
    TRY(read_entries(reader, &vocabulary));
    TRY(read_merges(reader, &merges));
    TRY(read_merger(reader, &model));
    return read_added(reader, &added);
}

/* --- vocab.json and merges.txt ---------------------------------------------------------------- */

static Status wrong_line(TokenizerReader *reader, const char *path, const char *text, int64_t line,
                         const char *wrong) {
    DiagSource *source = ARENA_NEW(reader->diag->arena, DiagSource);
    *source = (DiagSource){.name = path, .text = text};
    return diag_error(reader->diag, (DiagPlace){source, line, 1, 1}, "E0624",
                      "take the file as it came with the model", "%s", wrong);
}

Status read_vocabulary_files(TokenizerReader *reader, const Jsonp *vocabulary, const char *path) {
    Tokenizer *tokenizer = reader->tokenizer;
    char *text;
    size_t length;
    int64_t size, lines = 1, line = 0, rank = 0;
    TRY(fs_read(reader->arena, path, TOKENIZER_FILE_LIMIT, &text, &length, reader->diag));
    if (!json_is_object(vocabulary->value))
        return jsonp_error(vocabulary, "E0622", NULL, "this must be an object: entry to id");
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    TRY(count_ids(vocabulary, NULL, &size));
    vocabulary_begin(&tokenizer->vocabulary, reader->arena, size, lines);
    tokenizer->special = ARENA_ARRAY(reader->arena, size + 1, uint8_t);
    TRY(read_entries(reader, vocabulary));
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t whole = strcspn(at, "\r\n"), left = strcspn(at, " \r\n");
        line++;
        if (whole == 0 || (line == 1 && strncmp(at, "#version", 8) == 0))
            continue;
        MergeText merge = {at, at + left + 1, left, left < whole ? whole - left - 1 : 0};
        const char *wrong = "a merge is written as two entries with a space between them";
        if (left < whole && !memchr(merge.right, ' ', merge.right_length))
            wrong = add_merge(reader, &merge, rank++);
        if (wrong)
            return wrong_line(reader, path, text, line, wrong);
    }
    tokenizer->merger =
        (Merger){.vocabulary = &tokenizer->vocabulary, .bytes = true, .unknown = -1};
    vocabulary_bytes(&tokenizer->vocabulary, false);
    vocabulary_touch(&tokenizer->vocabulary, reader->arena, true, -1);
    added_tree_begin(&tokenizer->raw, reader->arena, NULL, 0);
    added_tree_begin(&tokenizer->normalized, reader->arena, NULL, 0);
    return STATUS_OK;
}
