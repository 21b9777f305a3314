/* family_tensors: what a family says of the tensors of its checkpoints: their names and forms, those that are not used,
 * and the names of scales. Texts stay the family's tree's, which lies in the caller's arena. */
#include "input/model_internal.h"

#include <string.h>

static const char *const form_help =
    "a form is a name, or {name = ..., stack = {kinds, this one among them}, periods = a size of "
    "the model, transposed = true or false}";

/* What the family says of a tensor: a name, or a list of forms. Models without gates may use other names for the same
 * kind. */
static const YamlNode *forms_of(const Family *family, const Model *model, TensorKind kind) {
    const YamlNode *ungated = yaml_get(family->root, "ungated"), *forms = NULL;
    if (!model->gated && ungated)
        forms = yaml_get(ungated, tensor_kind_names[kind]);
    return forms ? forms : yaml_get(yaml_get(family->root, "tensors"), tensor_kind_names[kind]);
}

static int64_t kind_of(const char *name) {
    int64_t kind = 0;
    while (tensor_kind_names[kind] && strcmp(tensor_kind_names[kind], name) != 0)
        kind++;
    return kind;
}

/* Where the kind lies in a stack of kinds, one below the other; those that the model does not have are not in it.
 * False: it is not in the stack, or the rows of some kind are not a multiple of the periods. */
static bool place_in_stack(const Model *model, const YamlNode *stack, ModelTensor *tensor) {
    bool found = false;
    int64_t periods = tensor->periods ? tensor->periods : 1;
    for (int64_t i = 0; stack->kind == YAML_SEQUENCE && i < stack->count; i++) {
        const char *name = stack->items[i]->kind == YAML_SCALAR ? stack->items[i]->text : "";
        int64_t kind = kind_of(name), rows, columns;
        if (kind == TENSOR_KINDS)
            return false;
        if (!model_needs(model, (TensorKind)kind))
            continue;
        model_tensor_shape(model, (TensorKind)kind, &rows, &columns);
        if (rows % periods)
            return false;
        if (kind == tensor->kind)
            tensor->first_row = tensor->block_rows / periods;
        found |= kind == tensor->kind;
        tensor->block_rows += rows;
    }
    return found;
}

/* The size of the model that says how many runs a stack is in: one of its fields by name. */
static bool read_periods(const Model *model, const YamlNode *node, int64_t *periods) {
    const Field *field = node->kind == YAML_SCALAR ? schema_field(&model_schema, node->text) : NULL;
    if (!field || field->type != FIELD_INT)
        return false;
    *periods = *(const int64_t *)((const char *)model + field->offset);
    return *periods > 0;
}

static bool is_text(const YamlNode *node, const char *text) {
    return node->kind == YAML_SCALAR && strcmp(node->text, text) == 0;
}

/* A name, or {name, stack, periods, transposed}. */
static bool read_form(const Model *model, const YamlNode *form, ModelTensor *tensor) {
    if (form->kind == YAML_SCALAR) {
        tensor->name = form->text;
        return true;
    }
    const YamlNode *name = yaml_get(form, "name"), *stack = yaml_get(form, "stack");
    const YamlNode *periods = yaml_get(form, "periods");
    const YamlNode *transposed = yaml_get(form, "transposed");
    if (form->kind != YAML_MAPPING || !name || name->kind != YAML_SCALAR)
        return false;
    tensor->name = name->text;
    tensor->transposed = transposed && is_text(transposed, "true");
    if (transposed && !tensor->transposed && !is_text(transposed, "false"))
        return false;
    if (periods && (!stack || !read_periods(model, periods, &tensor->periods)))
        return false;
    return stack ? place_in_stack(model, stack, tensor) : transposed != NULL;
}

/* The forms after the first. */
static Status add_alternatives(Arena *arena, const Family *family, const YamlNode *forms,
                               TensorKind kind, Model *model, DiagPlace place, Diag *diag) {
    for (int64_t i = 1; forms && forms->kind == YAML_SEQUENCE && i < forms->count; i++) {
        ModelTensor tensor = {.kind = kind};
        if (!read_form(model, forms->items[i], &tensor))
            return diag_error(diag, place, "E0212", form_help,
                              "the family %s has a form of the tensor %s that cannot be read",
                              family->name, tensor_kind_names[kind]);
        *(ModelTensor *)LIST_PUSH(arena, &model->alternatives) = tensor;
    }
    return STATUS_OK;
}

/* The first form: a tensor of its own. */
static Status name_tensor(const Family *family, const Model *model, const YamlNode *forms,
                          ModelTensor *tensor, DiagPlace place, Diag *diag) {
    const char *kind = tensor_kind_names[tensor->kind];
    if (forms && forms->kind == YAML_SEQUENCE && forms->count)
        forms = forms->items[0];
    if (!forms)
        return diag_error(diag, place, "E0212", "name another family, or add the tensor there",
                          "the family %s has no tensor %s", family->name, kind);
    if (!read_form(model, forms, tensor) || tensor->block_rows)
        return diag_error(diag, place, "E0212", "the first form is a tensor of its own",
                          "the family %s has a form of the tensor %s that cannot be read",
                          family->name, kind);
    return STATUS_OK;
}

static Status name_ignored(Arena *arena, const Family *family, Model *model, DiagPlace place,
                           Diag *diag) {
    const YamlNode *list = yaml_get(family->root, "ignored");
    for (int64_t i = 0; list && i < list->count; i++) {
        const YamlNode *item = list->items[i], *name = item, *same = NULL;
        if (item->kind == YAML_MAPPING) {
            name = yaml_get(item, "name");
            same = yaml_get(item, "same_as");
        }
        if (!name || name->kind != YAML_SCALAR || (same && same->kind != YAML_SCALAR))
            return diag_error(diag, place, "E0212",
                              "an ignored tensor is a name, or {name = ..., same_as = a kind}",
                              "the family %s has an ignored tensor that cannot be read",
                              family->name);
        *(IgnoredTensor *)LIST_PUSH(arena, &model->ignored) =
            (IgnoredTensor){.name = name->text, .same_as = same ? same->text : ""};
    }
    return STATUS_OK;
}

static void name_scales(Arena *arena, const Family *family, Model *model) {
    const YamlNode *list = yaml_get(family->root, "scales");
    for (int64_t i = 0; list && i < list->count; i++)
        *(const char **)LIST_PUSH(arena, &model->scales) = list->items[i]->text;
}

Status family_name_tensors(Arena *arena, const Family *family, Model *model, DiagPlace place,
                           Diag *diag) {
    ModelTensor given[TENSOR_KINDS] = {{0}};
    Status status = STATUS_OK;
    bool own_forms = model->alternatives.count > 0;
    for (int64_t i = 0; i < model->tensors.count; i++) {
        const ModelTensor *tensor = &model->tensors.items[i];
        given[tensor->kind] = *tensor;
        if (!model_needs(model, (TensorKind)tensor->kind))
            status = diag_error(diag, place, "E0212", "remove it from `tensors`",
                                "such a model has no tensor %s", tensor_kind_names[tensor->kind]);
    }
    memset(&model->tensors, 0, sizeof(model->tensors));
    for (int kind = 0; kind < TENSOR_KINDS; kind++) {
        if (!model_needs(model, (TensorKind)kind))
            continue;
        const YamlNode *forms = forms_of(family, model, (TensorKind)kind);
        ModelTensor tensor = given[kind].name ? given[kind] : (ModelTensor){.kind = kind};
        if (!tensor.name && name_tensor(family, model, forms, &tensor, place, diag) != STATUS_OK)
            status = STATUS_DATA;
        *(ModelTensor *)LIST_PUSH(arena, &model->tensors) = tensor;
        if (!given[kind].name && !own_forms)
            TRY(add_alternatives(arena, family, forms, (TensorKind)kind, model, place, diag));
    }
    if (!model->ignored.count)
        TRY(name_ignored(arena, family, model, place, diag));
    if (!model->scales.count)
        name_scales(arena, family, model);
    return status;
}
