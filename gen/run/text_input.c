/* text_input: see text_input.h. */
#include "run/text_input.h"

#include "base/fs.h"
#include "base/number.h"
#include "run/map.h"
#include "base/jsonp.h"

#include <string.h>

enum { CONFIG_LIMIT = 1 << 20 };

/* The folder that holds `path`, or itself where it is one. */
static const char *folder_of(Run *run, const char *path) {
    const char *slash = strrchr(path, '/');
    if (fs_is_directory(path))
        return path;
    return slash ? arena_strndup(&run->arena, path, (size_t)(slash - path)) : ".";
}

/* The checkpoint's folder, by the map that a run would take; NULL: weights are random. */
static Status checkpoint_folder(Run *run, const char *dir, const char **folder) {
    const char *map = run->options.values[OPTION_WEIGHTS], *checkpoint;
    *folder = NULL;
    if (!map)
        map = fs_join(&run->arena, dir, "weights.map");
    if (!fs_exists(map))
        return STATUS_OK;
    TRY(map_checkpoint(&run->arena, map, &checkpoint, &run->diag));
    *folder = folder_of(run, checkpoint);
    return STATUS_OK;
}

static Status find(Run *run, const char *dir, const Plan *plan, const char **path) {
    const char *folder, *named = dir ? plan->inputs.model.tokenizer : "";
    *path = run->options.values[OPTION_TOKENIZER];
    if (*path)
        return STATUS_OK;
    if (dir) {
        *path = dir;
        if (tokenizer_in(&run->arena, dir))
            return STATUS_OK;
        TRY(checkpoint_folder(run, dir, &folder));
        *path = folder;
        if (folder && tokenizer_in(&run->arena, folder))
            return STATUS_OK;
        *path = named;
        if (*named &&
            (tokenizer_in(&run->arena, named) || (fs_exists(named) && !fs_is_directory(named))))
            return STATUS_OK;
    }
    diag_error(&run->diag, diag_nowhere(), "E0833",
               "name it: --tokenizer FOLDER, with tokenizer.json, or vocab.json and merges.txt",
               "text needs a tokenizer, and there is none in the program's folder, nor beside its "
               "weights");
    return STATUS_NOINPUT;
}

static Status check_size(Run *run, const Tokenizer *tokenizer, int64_t vocabulary) {
    int64_t size = tokenizer_size(tokenizer);
    DiagSource *source = ARENA_NEW(&run->arena, DiagSource);
    source->name = tokenizer_name(tokenizer);
    if (size > vocabulary)
        return diag_error(&run->diag, (DiagPlace){.source = source}, "E0626",
                          "use the tokenizer of this model",
                          "the tokenizer has ids up to %lld, the model's vocabulary is %lld",
                          (long long)size - 1, (long long)vocabulary);
    if (size < vocabulary - vocabulary / 16) /* some entries that pad the model are usual */
        diag_warning(&run->diag, (DiagPlace){.source = source}, "E0627",
                     "is it the tokenizer of this model? Other ids make no text",
                     "the tokenizer has ids up to %lld, the model's vocabulary is %lld",
                     (long long)size - 1, (long long)vocabulary);
    return STATUS_OK;
}

Status text_tokenizer(Run *run, const char *dir, const Plan *plan, Tokenizer **tokenizer) {
    const char *path;
    *tokenizer = NULL;
    TRY(find(run, dir, plan, &path));
    TRY(tokenizer_read(&run->arena, path, tokenizer, &run->diag));
    run_detail(run, "tokenizer: %s", tokenizer_name(*tokenizer));
    if (!dir)
        return STATUS_OK;
    Status status = check_size(run, *tokenizer, plan->inputs.model.vocabulary);
    if (status != STATUS_OK) {
        tokenizer_free(*tokenizer);
        *tokenizer = NULL;
    }
    return status;
}

/* --- what ends a text ------------------------------------------------------------------------- */

static Status push_end(const Jsonp *field, int64_t vocabulary, Ids *ends) {
    json_int_t id = json_integer_value(field->value);
    if (!json_is_integer(field->value) || id < 0 || id >= vocabulary)
        return jsonp_error(field, "E0622", NULL,
                           "\"eos_token_id\" must be an id of the vocabulary of %lld, or a list of "
                           "such",
                           (long long)vocabulary);
    ids_push(ends, (int32_t)id);
    return STATUS_OK;
}

/* eos_token_id of a file, which may not be there. */
static Status read_ends(Run *run, const char *path, int64_t vocabulary, Ids *ends) {
    JsonpFile file;
    if (!fs_exists(path))
        return STATUS_OK;
    Status status =
        jsonp_file_open(&file, &run->arena, path, CONFIG_LIMIT, "E0621", "E0622", &run->diag);
    if (status == STATUS_OK) {
        Jsonp root = jsonp_root(&file), end = jsonp_member(&root, "eos_token_id");
        if (json_is_array(end.value))
            for (size_t i = 0; status == STATUS_OK && i < json_array_size(end.value); i++) {
                Jsonp item = jsonp_item(&end, (int64_t)i);
                status = push_end(&item, vocabulary, ends);
            }
        else if (jsonp_there(&end))
            status = push_end(&end, vocabulary, ends);
    }
    jsonp_file_close(&file);
    return status;
}

Status text_stop_ids(Run *run, int64_t vocabulary, Ids *ends) {
    const Options *options = &run->options;
    for (int64_t i = 0; i < options->many_count; i++) {
        int64_t id = -1;
        bool overflow = false;
        if (options->many[i].id != OPTION_STOP_ID)
            continue;
        if (!number_parse_int(options->many[i].text, &id, &overflow) || id < 0 ||
            id >= vocabulary) {
            diag_error(&run->diag, options_place(&run->diag, OPTION_STOP_ID), "E0917",
                       arena_printf(&run->arena, "write a whole number from 0 to %lld",
                                    (long long)vocabulary - 1),
                       "'%s' is no number in range", options->many[i].text);
            return STATUS_USAGE;
        }
        ids_push(ends, (int32_t)id);
    }
    return STATUS_OK;
}

Status text_end_tokens(Run *run, const Tokenizer *tokenizer, int64_t vocabulary, Ids *ends) {
    const char *folder = folder_of(run, tokenizer_name(tokenizer));
    TRY(read_ends(run, fs_join(&run->arena, folder, "generation_config.json"), vocabulary, ends));
    if (ends->count == 0)
        TRY(read_ends(run, fs_join(&run->arena, folder, "config.json"), vocabulary, ends));
    if (ends->count == 0 && tokenizer_end(tokenizer) >= 0)
        ids_push(ends, tokenizer_end(tokenizer));
    return text_stop_ids(run, vocabulary, ends);
}

/* --- chance ----------------------------------------------------------------------------------- */

static Status read_real(Run *run, OptionId id, double above, double most, double fallback,
                        double *value) {
    const char *text = run->options.values[id];
    *value = fallback;
    if (!text || (number_parse_real(text, value) && *value > above && *value <= most) ||
        (id == OPTION_TEMPERATURE && number_parse_real(text, value) && *value == 0))
        return STATUS_OK;
    const char *help = arena_printf(&run->arena, "write a number above %g, up to %g", above, most);
    if (id == OPTION_TEMPERATURE)
        help = arena_printf(&run->arena, "write a number from 0, the likeliest, to %g", most);
    diag_error(&run->diag, options_place(&run->diag, id), "E0917", help,
               "'%s' is no number in range", text);
    return STATUS_USAGE;
}

Status text_choice(Run *run, const Plan *plan, TokensChoice *choice) {
    const Workload *workload = &plan->inputs.workload;
    int64_t vocabulary = plan->inputs.model.vocabulary;
    const Options *options = &run->options;
    OptionId cut = options_given(options, OPTION_TOP_K) ? OPTION_TOP_K : OPTION_TOP_P;
    bool chance = options_given(options, cut) || options_given(options, OPTION_SEED);
    *choice = (TokensChoice){0};
    TRY(read_real(run, OPTION_TEMPERATURE, 0, 1e5, chance ? 1 : 0, &choice->temperature));
    TRY(read_real(run, OPTION_TOP_P, 0, 1, 1, &choice->top_p));
    TRY(options_int(options, OPTION_TOP_K, 1, INT32_MAX, 0, &choice->top_k, &run->diag));
    TRY(options_int(options, OPTION_SEED, 0, INT64_MAX, 0, &choice->seed, &run->diag));
    if (choice->top_k >= vocabulary) /* cuts nothing off */
        choice->top_k = 0;
    if (choice->top_k == 1) /* the likeliest is no matter of chance */
        *choice = (TokensChoice){0};
    bool cuts = choice->temperature > 0 && (choice->top_k > 0 || choice->top_p < 1);
    int64_t needed = choice->top_k > 0 ? choice->top_k : 2;
    if (!cuts || workload->candidates >= needed)
        return STATUS_OK;
    const char *help = arena_printf(&run->arena, "make the program with --candidates %lld",
                                    (long long)(needed > 64 ? needed : 64));
    if (choice->top_k == 0)
        help = arena_printf(&run->arena,
                            "%s; %lld, the whole vocabulary, holds the share of any top-p", help,
                            (long long)vocabulary);
    return diag_error(&run->diag, options_place(&run->diag, cut), "E0854", help,
                      "the program tells apart the %lld likeliest tokens, which is too few",
                      (long long)workload->candidates);
}

/* " FLAG VALUE" where the file has the key as a number. */
static void add_flag(const Jsonp *root, const char *key, const char *flag, Buf *flags) {
    Jsonp field = jsonp_member(root, key);
    if (json_is_number(field.value))
        buf_printf(flags, " %s %.12g", flag, json_number_value(field.value));
}

Status text_tell_choice(Run *run, const Tokenizer *tokenizer) {
    const Options *options = &run->options;
    const char *folder = folder_of(run, tokenizer_name(tokenizer));
    const char *path = fs_join(&run->arena, folder, "generation_config.json");
    JsonpFile file;
    Buf flags = {0};
    if (options_given(options, OPTION_TEMPERATURE) || options_given(options, OPTION_TOP_K) ||
        options_given(options, OPTION_TOP_P) || options_given(options, OPTION_SEED) ||
        !fs_exists(path))
        return STATUS_OK;
    Status status =
        jsonp_file_open(&file, &run->arena, path, CONFIG_LIMIT, "E0621", "E0622", &run->diag);
    if (status == STATUS_OK) {
        Jsonp root = jsonp_root(&file), draws = jsonp_member(&root, "do_sample");
        add_flag(&root, "temperature", "--temperature", &flags);
        add_flag(&root, "top_k", "--top-k", &flags);
        add_flag(&root, "top_p", "--top-p", &flags);
        if (json_is_true(draws.value))
            run_say(run, "%s is for chance:%s; without these flags the answer is greedy", path,
                    flags.length ? flags.data : " --temperature 1");
    }
    buf_free(&flags);
    jsonp_file_close(&file);
    return status;
}
