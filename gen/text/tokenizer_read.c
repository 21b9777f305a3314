/* tokenizer_read: from a folder or file to a tokenizer: which files there are, in which order their sections are read. */
#include "text/read.h"

#include "base/fs.h"

#include <string.h>

enum { CONFIG_LIMIT = 8 << 20 };

/* Characters of words, as single_word has them. */
static const char WORD[] = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";

static Status read_json(TokenizerReader *reader, const char *path) {
    JsonpFile file;
    Status status = jsonp_file_open(&file, reader->arena, path, TOKENIZER_FILE_LIMIT, "E0621",
                                    "E0622", reader->diag);
    if (status != STATUS_OK)
        goto done;
    Jsonp root = jsonp_root(&file);
    TRY_TO(jsonp_keys(&root, "a tokenizer file",
                      "version truncation padding added_tokens normalizer pre_tokenizer "
                      "post_processor decoder model"),
           done);
    TRY_TO(read_normalizer(reader, &root), done);
    TRY_TO(read_splitter(reader, &root), done);
    TRY_TO(read_model(reader, &root), done);
    TRY_TO(read_around(reader, &root), done);
    TRY_TO(read_decoder(reader, &root), done);
done:
    jsonp_file_close(&file);
    return status;
}

static Status read_two_files(TokenizerReader *reader, const char *vocabulary, const char *merges) {
    JsonpFile file;
    Status status = jsonp_file_open(&file, reader->arena, vocabulary, TOKENIZER_FILE_LIMIT, "E0621",
                                    "E0622", reader->diag);
    if (status != STATUS_OK)
        goto done;
    Jsonp root = jsonp_root(&file);
    TRY_TO(read_default_splitter(reader), done);
    read_default_decoder(reader);
    TRY_TO(read_vocabulary_files(reader, &root, merges), done);
done:
    jsonp_file_close(&file);
    return status;
}

/* --- tokenizer_config.json -------------------------------------------------------------------- */

/* The id that a key names, by a text or by an object with its content; -1: none. */
static Status named_token(const TokenizerReader *reader, const Jsonp *root, const char *key,
                          int32_t *id) {
    Jsonp field = jsonp_member(root, key), holder = field;
    const char *text = "";
    *id = -1;
    if (!jsonp_there(&field))
        return STATUS_OK;
    if (json_is_object(field.value))
        TRY(jsonp_text(&holder, "content", "", &text));
    else
        TRY(jsonp_text(root, key, "", &text));
    *id = *text ? tokenizer_id(reader->tokenizer, text) : -1;
    return STATUS_OK;
}

/* Put a token at an end of the text, or take it from there, as the file says; where it says nothing, the tokenizer
 * file alone counts. */
static Status around(const TokenizerReader *reader, const Jsonp *root, const char *flag, int32_t id,
                     bool front, Ids *ids) {
    Jsonp field = jsonp_member(root, flag);
    bool wanted;
    TRY(jsonp_bool(root, flag, false, &wanted));
    if (!jsonp_there(&field) || id < 0)
        return STATUS_OK;
    int64_t kept = 0;
    Ids others = *ids;
    *ids = (Ids){0};
    if (wanted && front)
        ids_push(ids, id);
    for (int64_t i = 0; i < others.count; i++)
        if (others.items[i] != id && ++kept)
            ids_push(ids, others.items[i]);
    if (wanted && !front)
        ids_push(ids, id);
    ids_free(&others);
    (void)reader;
    return STATUS_OK;
}

/* Files of two kinds alone tell their pattern by the tokenizer's class. */
static Status check_class(const Jsonp *root) {
    const char *class;
    TRY(jsonp_text(root, "tokenizer_class", "GPT2Tokenizer", &class));
    Jsonp field = jsonp_member(root, "tokenizer_class");
    if (strcmp(class, "GPT2Tokenizer") != 0 && strcmp(class, "GPT2TokenizerFast") != 0)
        return jsonp_error(&field, "E0623", "have tokenizer.json in the folder, which tells it",
                           "vocab.json and merges.txt do not tell how \"%s\" splits a text", class);
    return STATUS_OK;
}

static Status read_config(TokenizerReader *reader, const char *path, bool two_files) {
    JsonpFile file;
    int32_t begin;
    Tokenizer *tokenizer = reader->tokenizer;
    Status status =
        jsonp_file_open(&file, reader->arena, path, CONFIG_LIMIT, "E0621", "E0622", reader->diag);
    if (status != STATUS_OK)
        goto done;
    Jsonp root = jsonp_root(&file);
    if (!json_is_object(file.root))
        TRY_TO(jsonp_error(&root, "E0622", NULL, "this must be an object"), done);
    if (two_files)
        TRY_TO(check_class(&root), done);
    TRY_TO(named_token(reader, &root, "bos_token", &begin), done);
    TRY_TO(named_token(reader, &root, "eos_token", &tokenizer->end), done);
    TRY_TO(around(reader, &root, "add_bos_token", begin, true, &tokenizer->before), done);
    TRY_TO(around(reader, &root, "add_eos_token", tokenizer->end, false, &tokenizer->after), done);
done:
    jsonp_file_close(&file);
    return status;
}

/* --- folders ---------------------------------------------------------------------------------- */

bool tokenizer_in(Arena *arena, const char *folder) {
    return fs_exists(fs_join(arena, folder, "tokenizer.json")) ||
           (fs_exists(fs_join(arena, folder, "vocab.json")) &&
            fs_exists(fs_join(arena, folder, "merges.txt")));
}

static Status none_here(Diag *diag, const char *path) {
    DiagSource *source = ARENA_NEW(diag->arena, DiagSource);
    source->name = arena_strdup(diag->arena, path);
    diag_error(diag, (DiagPlace){.source = source}, "E0620",
               "name a folder with tokenizer.json, or with vocab.json and merges.txt",
               "there is no tokenizer here");
    return STATUS_NOINPUT;
}

static Status read_files(TokenizerReader *reader, const char *path) {
    Arena *arena = reader->arena;
    if (!fs_is_directory(path)) {
        reader->tokenizer->name = arena_strdup(arena, path);
        return fs_exists(path) ? read_json(reader, path) : none_here(reader->diag, path);
    }
    const char *json = fs_join(arena, path, "tokenizer.json");
    const char *config = fs_join(arena, path, "tokenizer_config.json");
    bool two_files = !fs_exists(json);
    if (!tokenizer_in(arena, path))
        return none_here(reader->diag, path);
    if (two_files) {
        json = fs_join(arena, path, "vocab.json");
        TRY(read_two_files(reader, json, fs_join(arena, path, "merges.txt")));
    } else {
        TRY(read_json(reader, json));
    }
    reader->tokenizer->name = json;
    return fs_exists(config) ? read_config(reader, config, two_files) : STATUS_OK;
}

Status tokenizer_read(Arena *arena, const char *path, Tokenizer **tokenizer, Diag *diag) {
    TokenizerReader reader = {.arena = arena, .diag = diag};
    PatternError error;
    reader.tokenizer = ARENA_NEW(arena, Tokenizer);
    reader.tokenizer->end = -1;
    *tokenizer = NULL;
    Status status = pattern_compile(&reader.tokenizer->word, arena, WORD, &error)
                        ? read_files(&reader, path)
                        : STATUS_SOFTWARE;
    if (status != STATUS_OK)
        tokenizer_free(reader.tokenizer);
    else
        *tokenizer = reader.tokenizer;
    return status;
}
