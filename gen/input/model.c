/* model: reading a model and checking its figures against each other. Everything lies in the
 * caller's arena. Families and hub keys are dealt with in family.c and hub.c. */
#include "input/model_internal.h"

#include "base/fs.h"

#include <math.h>
#include <string.h>

enum { GPT2_VOCABULARY = 50257 };
static const double parameters_max = 0x1p50; /* keeps all offsets within 64 bits */

static DiagPlace place_of(const YamlNode *root, const char *key) {
    const YamlNode *value = yaml_get(root, key);
    return value ? value->place : root->place;
}

/* Sizes that may be absent because others imply them. */
static Status fill_sizes(Model *model, const YamlNode *root, Diag *diag) {
    if (!model->kv_heads)
        model->kv_heads = model->heads;
    if (!model->head_dim && model->hidden % model->heads)
        return diag_error(diag, place_of(root, "heads"), "E0203", "write head_dim",
                          "hidden %lld cannot be divided among %lld heads",
                          (long long)model->hidden, (long long)model->heads);
    if (!model->head_dim)
        model->head_dim = model->hidden / model->heads;
    if (!model->value_dim)
        model->value_dim = model->head_dim;
    if (!model->rope_dim && !model_is_latent(model))
        model->rope_dim = model->head_dim;
    if (model->rope_scaling.amplitude == 0)
        model->rope_scaling.amplitude =
            model->rope_scaling.kind == ROPE_YARN ? 0.1 * log(model->rope_scaling.factor) + 1 : 1;
    return STATUS_OK;
}

static double count_parameters(const Model *model) {
    double matrices = model->gated ? 3 : 2, hidden = (double)model->hidden;
    double expert = matrices * hidden * (double)model->expert_hidden;
    double attention = 2 * hidden * (double)(model->heads + model->kv_heads) *
                       (double)(model->head_dim + model->value_dim);
    double latents = (double)model->heads * (double)(model->head_dim + model->value_dim) *
                         (double)(model->q_latent + model->kv_latent) +
                     hidden * (double)(model->q_latent + model->kv_latent + model->rope_dim);
    double dense = matrices * hidden * (double)(model->dense_hidden + model->shared_hidden);
    return (double)model->layers *
               (attention + latents + dense + (double)model->experts * (expert + hidden)) +
           hidden * 2 * ((double)model->vocabulary + (double)model->max_positions);
}

static Status check_sizes(const Model *model, const YamlNode *root, Diag *diag) {
    Status status = STATUS_OK;
    if (model->heads % model->kv_heads)
        status = diag_error(diag, place_of(root, "kv_heads"), "E0201",
                            "each key-value head serves the same number of query heads",
                            "%lld heads cannot share %lld key-value heads evenly",
                            (long long)model->heads, (long long)model->kv_heads);
    if (model->top_k > model->experts)
        status = diag_error(diag, place_of(root, "top_k"), "E0202",
                            "a token goes to different experts: write at most their number",
                            "top_k %lld is over the %lld experts of a layer",
                            (long long)model->top_k, (long long)model->experts);
    if (model->position == POSITION_ROPE && model->head_dim % 2)
        status = diag_error(
            diag, place_of(root, "head_dim"), "E0204", "rotary positions turn pairs of elements",
            "head_dim %lld is odd, but position is rope", (long long)model->head_dim);
    const char *key = "", *fault = status == STATUS_OK ? model_fault(model, &key) : NULL;
    if (fault)
        status = diag_error(diag, place_of(root, key), "E0214",
                            "gen explain E0214 tells what goes together", "%s: %s", key, fault);
    if (count_parameters(model) > parameters_max)
        status = diag_error(diag, root->place, "E0213", "check the sizes",
                            "the model has over 10^15 parameters");
    return status;
}

/* Does a form lie within its block: in each of the runs that the block's rows are in? */
static bool form_fits(const ModelTensor *form, int64_t rows) {
    int64_t periods = form->periods ? form->periods : 1;
    if (!form->block_rows)
        return form->first_row == 0 && periods == 1;
    return rows % periods == 0 && form->block_rows % periods == 0 &&
           form->first_row + rows / periods <= form->block_rows / periods;
}

static Status check_form(const Model *model, const ModelTensor *form, const YamlNode *root,
                         Diag *diag) {
    const char *kind = tensor_kind_names[form->kind];
    int64_t rows, columns;
    if (!model_needs(model, (TensorKind)form->kind))
        return diag_error(diag, place_of(root, "alternatives"), "E0212", "remove it",
                          "such a model has no tensor %s", kind);
    model_tensor_shape(model, (TensorKind)form->kind, &rows, &columns);
    if (form_fits(form, rows))
        return STATUS_OK;
    if (form->periods > 1)
        return diag_error(diag, place_of(root, "alternatives"), "E0212",
                          "periods divide rows and block_rows; first_row and a period's share of "
                          "the rows are together at most a period",
                          "%lld rows of a form of %s do not lie in %lld periods of its %lld",
                          (long long)rows, kind, (long long)form->periods,
                          (long long)form->block_rows);
    return diag_error(diag, place_of(root, "alternatives"), "E0212",
                      "first_row and the rows of the tensor together are at most block_rows",
                      "rows %lld to %lld of a form of %s lie outside its %lld",
                      (long long)form->first_row, (long long)(form->first_row + rows) - 1, kind,
                      (long long)form->block_rows);
}

/* A tensor of its own for each kind in `tensors`; parts of larger ones lie within their blocks; what is ignored for
 * being equal to a tensor names one that the model has. */
static Status check_forms(const Model *model, const YamlNode *root, Diag *diag) {
    for (int64_t i = 0; i < model->tensors.count; i++) {
        const ModelTensor *tensor = &model->tensors.items[i];
        if (tensor->first_row || tensor->block_rows || tensor->periods)
            return diag_error(diag, place_of(root, "tensors"), "E0212",
                              "parts of larger tensors stand in `alternatives`",
                              "the tensor %s in `tensors` is a part of another",
                              tensor_kind_names[tensor->kind]);
    }
    for (int64_t i = 0; i < model->alternatives.count; i++)
        TRY(check_form(model, &model->alternatives.items[i], root, diag));
    for (int64_t i = 0; i < model->ignored.count; i++) {
        const IgnoredTensor *ignored = &model->ignored.items[i];
        int64_t kind = 0;
        while (tensor_kind_names[kind] && strcmp(tensor_kind_names[kind], ignored->same_as) != 0)
            kind++;
        if (*ignored->same_as && (kind == TENSOR_KINDS || tensor_kind_per_layer((TensorKind)kind) ||
                                  !model_has(model, (TensorKind)kind)))
            return diag_error(diag, place_of(root, "ignored"), "E0212",
                              "name a kind that the model has once",
                              "\"%s\" is to be the same as %s, which is no such tensor",
                              ignored->name, ignored->same_as);
    }
    return STATUS_OK;
}

/* Kinds ascend, each that such a model has is there, and no other. */
static Status check_tensors(const Model *model, const YamlNode *root, Diag *diag) {
    int64_t at = 0;
    for (int kind = 0; kind < TENSOR_KINDS; kind++) {
        bool named = at < model->tensors.count && model->tensors.items[at].kind == kind;
        if (named != model_needs(model, (TensorKind)kind))
            return diag_error(diag, place_of(root, "tensors"), "E0212",
                              "list the tensors of the model, each once and in the schema's order",
                              named ? "such a model has no tensor %s"
                                    : "the tensor %s is missing, or not in its place",
                              tensor_kind_names[kind]);
        at += named;
    }
    if (at < model->tensors.count)
        return diag_error(diag, place_of(root, "tensors"), "E0212", "list each tensor once",
                          "there are tensors after the last");
    return check_forms(model, root, diag);
}

Status model_check(const Model *model, const YamlNode *root, Diag *diag) {
    TRY(check_sizes(model, root, diag));
    return check_tensors(model, root, diag);
}

static void check_tokenizer(const Model *model, const YamlNode *root, Arena *arena, Diag *diag) {
    if (strcmp(model->tokenizer, "gpt2") != 0 || model->vocabulary == GPT2_VOCABULARY)
        return;
    const char *help = "a vocabulary smaller than the tokenizer's cannot embed all of its ids";
    if (model->vocabulary > GPT2_VOCABULARY)
        help = arena_printf(arena, "it never yields the ids %d to %lld: vocabulary: %d would do",
                            GPT2_VOCABULARY, (long long)model->vocabulary - 1, GPT2_VOCABULARY);
    diag_warning(diag, place_of(root, "vocabulary"), "E0210", help,
                 "vocabulary is %lld, but the tokenizer gpt2 has %d entries",
                 (long long)model->vocabulary, GPT2_VOCABULARY);
}

/* The family that the file names, and the file in the words of our schema. */
static Status translate(Arena *arena, const char *path, const char *share, YamlNode *root,
                        YamlNode **canonical, Family *family, Diag *diag) {
    const YamlNode *type = yaml_get(root, "model_type"), *own = yaml_get(root, "family");
    *canonical = root;
    if (!type && (yaml_get(root, "architectures") || yaml_get(root, "num_hidden_layers")))
        return diag_error(diag, root->place, "E0208",
                          "it names the family, as in the config that came with the checkpoint",
                          "the key `model_type` is missing");
    if (!type) {
        bool named = own && own->kind == YAML_SCALAR && !yaml_is_null(own);
        const char *name = named ? own->text : schema_field(&model_schema, "family")->fallback;
        return family_read(arena, name, share, place_of(root, "family"), family, diag);
    }
    const char *name = type->kind == YAML_SCALAR ? type->text : "";
    TRY(family_read(arena, name, share, type->place, family, diag));
    if (!yaml_get(family->root, "keys"))
        return diag_error(diag, type->place, "E0206", "write our own YAML, without model_type",
                          "the model family %s has no hub format", name);
    return hub_translate(arena, root, path, family, canonical, diag);
}

Status model_read(Arena *arena, const char *path, const char *share, Model *model, Diag *diag) {
    return model_read_with(arena, path, share, NULL, model, diag);
}

/* From the tree that the user wrote to a model with all its sizes and names. */
static Status resolve(Arena *arena, const char *path, const char *share, YamlNode *root,
                      const OverrideList *settings, Family *family, Model *model, Diag *diag) {
    YamlNode *canonical;
    TRY(translate(arena, path, share, root, &canonical, family, diag));
    TRY(override_apply(arena, settings, OVERRIDE_MODEL, canonical, diag));
    TRY(schema_read(&model_schema, canonical, model, arena, diag));
    TRY(fill_sizes(model, canonical, diag));
    TRY(check_sizes(model, canonical, diag));
    check_tokenizer(model, canonical, arena, diag);
    TRY(family_name_tensors(arena, family, model, place_of(canonical, "tensors"), diag));
    return check_forms(model, canonical, diag);
}

Status model_read_with(Arena *arena, const char *path, const char *share,
                       const OverrideList *settings, Model *model, Diag *diag) {
    YamlNode *root;
    Family family = {0};
    if (fs_is_directory(path))
        path = fs_join(arena, path, "config.json");
    TRY(yaml_read(arena, path, yaml_config_limits, &root, diag));
    Status status = resolve(arena, path, share, root, settings, &family, model, diag);
    family_close(&family);
    return status;
}
