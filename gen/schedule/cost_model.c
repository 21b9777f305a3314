/* cost_model: see the header. Texts and lists lie in the caller's arena; those of the built-in model in one of its
 * own, which nobody frees. */
#include "schedule/cost_model.h"

#include "base/sandbox.h"
#include "schedule/ops.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MEMORY = 16 << 20, LAYERS = 3 }; /* bytes of the Lua state; of a network */
#define FOLDER "lua/cost/"

const char *const cost_form_names[] = {"roofline", "linear", "mlp", NULL};

static const char *const factor_names[COST_FACTORS + 1] = {
    [COST_LAUNCH] = "kernel_launch",
    [COST_COMPUTE] = "compute_efficiency",
    [COST_MEMORY] = "memory_efficiency",
    [COST_MOVE_BASE] = "move_base",
    [COST_LINK_EFFICIENCY] = "link_efficiency",
    [COST_NIC_EFFICIENCY] = "nic_efficiency",
    [COST_LATENCY] = "latency_factor",
};

/* --- schema
 * ------------------------------------------------------------------------------------------- */

#define FIELD(of_type, field, kind) .name = #field, .type = kind, .offset = offsetof(of_type, field)
#define REAL(of_type, field, text)                                                                 \
    { FIELD(of_type, field, FIELD_REAL), .min = 0, .max = INFINITY, .doc = text }
#define REAL_OR(of_type, field, value, text)                                                       \
    { FIELD(of_type, field, FIELD_REAL), .fallback = value, .min = 0, .max = INFINITY, .doc = text }
#define TEXT(of_type, field, text)                                                                 \
    { FIELD(of_type, field, FIELD_TEXT), .doc = text }
#define LIST(of_type, field, schema, least, most_of, text)                                         \
    {                                                                                              \
        FIELD(of_type, field, FIELD_LIST), .min = least, .max = most_of, .of = &(schema),          \
                                           .doc = text                                             \
    }
#define SCHEMA(id, title, of_type, text)                                                           \
    static const Schema id##_schema = {                                                            \
        .name = title, .doc = text, .size = sizeof(of_type), .fields = id##_fields}

enum { MOST_ROWS = 64, MOST_VALUES = 1 << 20 };

static const Field constant_fields[] = {
    {FIELD(CostConstant, name, FIELD_ENUM), .names = factor_names, .doc = "which"},
    TEXT(CostConstant, unit, "of the values"),
    REAL(CostConstant, low, "for a lower bound on times"),
    REAL(CostConstant, expected, "expected"),
    REAL(CostConstant, high, "pessimistic"),
    TEXT(CostConstant, source, "where it is from"),
    {0},
};
SCHEMA(constant, "CostConstant", CostConstant, "A constant of the equations.");

static const Field step_fields[] = {
    REAL(CostStep, amount, "FLOP, or bytes, at least"),
    REAL(CostStep, share, "of the peak that is reached"),
    {0},
};
SCHEMA(step, "CostStep", CostStep, "Efficiency of an amount of work.");

static const Field efficiency_fields[] = {
    TEXT(CostEfficiency, source, "where they are from"),
    LIST(CostEfficiency, flops, step_schema, 1, MOST_ROWS, "of arithmetic"),
    LIST(CostEfficiency, bytes, step_schema, 1, MOST_ROWS, "of memory traffic"),
    {0},
};
SCHEMA(efficiency, "CostEfficiency", CostEfficiency, "Efficiency by size.");

static const Field hops_fields[] = {
    REAL(CostHops, base, "before the first hop [s]"),
    REAL(CostHops, nvlink, "a hop over NVLink [s]"),
    REAL(CostHops, pcie, "a hop over PCIe or a host's memory [s]"),
    REAL(CostHops, network, "a hop between nodes [s]"),
    {0},
};
SCHEMA(hops, "CostHops", CostHops, "Latencies of an algorithm.");

static const Field most_fields[] = {
    TEXT(CostMost, gpu, "its type begins so"),
    REAL(CostMost, one, "on one node [bytes/s]"),
    REAL(CostMost, two, "on two or three [bytes/s]"),
    REAL(CostMost, more, "on more [bytes/s]"),
    {0},
};
SCHEMA(most, "CostMost", CostMost, "The most that a protocol reaches on an edge.");

static const Field protocol_fields[] = {
    TEXT(CostProtocol, name, "for people"),
    REAL(CostProtocol, payload, "share of the bytes written"),
    {FIELD(CostProtocol, nvlink_only, FIELD_BOOL), .fallback = "false", .doc = "needs NVLink"},
    {FIELD(CostProtocol, ring, FIELD_OBJECT), .of = &hops_schema, .doc = "of rings and sends"},
    {FIELD(CostProtocol, tree, FIELD_OBJECT), .of = &hops_schema, .doc = "of trees"},
    {FIELD(CostProtocol, tree_by_size, FIELD_REALS), .fallback = "", .max = MOST_ROWS,
     .doc = "times a tree's bandwidth at 64 x 2^i bytes; 1 above"},
    REAL_OR(CostProtocol, near_factor, "1", "times hops in a node where there are several"),
    REAL_OR(CostProtocol, plateau_factor, "1", "times the latency of large rings across nodes"),
    REAL_OR(CostProtocol, plateau_from, "0", "from so much a member on [bytes]"),
    REAL_OR(CostProtocol, sends_most, "0", "that sends move by it [bytes]"),
    {FIELD(CostProtocol, most, FIELD_LIST), .fallback = "", .max = MOST_ROWS, .of = &most_schema,
     .doc = "the most that it reaches, by GPU"},
    {0},
};
SCHEMA(protocol, "CostProtocol", CostProtocol, "How bytes are written.");

static const Field moves_fields[] = {
    TEXT(CostMoves, source, "where they are from"),
    REAL(CostMoves, tree_share, "of a ring's bandwidth that a tree reaches"),
    LIST(CostMoves, protocols, protocol_schema, 1, MOST_ROWS, "the quickest is taken"),
    {0},
};
SCHEMA(moves, "CostMoves", CostMoves, "How the library moves bytes.");

static const Field linear_fields[] = {
    TEXT(CostLinearTerm, kind, "of operations"),
    REAL_OR(CostLinearTerm, seconds, "0", "of each [s]"),
    REAL_OR(CostLinearTerm, per_position, "0", "for each position attended to [s]"),
    REAL_OR(CostLinearTerm, per_hidden, "0", "times the hidden size [s]"),
    REAL_OR(CostLinearTerm, per_expert_hidden, "0", "times the experts' hidden size [s]"),
    REAL_OR(CostLinearTerm, per_expert, "0", "for each expert held [s]"),
    {0},
};
SCHEMA(linear, "CostLinearTerm", CostLinearTerm, "Seconds of a kind of operation.");

#define REALS(of_type, field, text)                                                                \
    { FIELD(of_type, field, FIELD_REALS), .min = 1, .max = MOST_VALUES, .doc = text }
static const Field layer_fields[] = {
    REALS(CostLayer, weights, "row by row, a row an output"),
    REALS(CostLayer, biases, "one an output"),
    {0},
};
SCHEMA(layer, "CostLayer", CostLayer, "A layer of a network.");

static const Field network_fields[] = {
    TEXT(CostNetwork, source, "what it was fitted to"),
    {FIELD(CostNetwork, features, FIELD_TEXTS), .min = 1, .max = MOST_VALUES,
     .doc = "flops, bytes, peak, bandwidth, ranks, kind:NAME"},
    REALS(CostNetwork, mean, "of each feature"),
    REALS(CostNetwork, scale, "of each feature"),
    LIST(CostNetwork, layers, layer_schema, LAYERS, LAYERS, "tanh between them"),
    REAL_OR(CostNetwork, low, "1", "times what is expected, for the lower end"),
    REAL_OR(CostNetwork, high, "1", "times what is expected, for the upper end"),
    {0},
};
SCHEMA(network, "CostNetwork", CostNetwork, "A network for the time of kernels.");

static const Field model_fields[] = {
    {FIELD(CostModel, form, FIELD_ENUM), .names = cost_form_names, .doc = "of kernels' times"},
    TEXT(CostModel, doc, "a line about it"),
    LIST(CostModel, constants, constant_schema, COST_FACTORS, COST_FACTORS, "each once"),
    {FIELD(CostModel, efficiency, FIELD_OBJECT), .of = &efficiency_schema, .doc = "by size"},
    {FIELD(CostModel, moves, FIELD_OBJECT), .of = &moves_schema, .doc = "latencies, protocols"},
    {FIELD(CostModel, linear, FIELD_LIST), .fallback = "", .max = MOST_ROWS, .of = &linear_schema,
     .doc = "form linear: its terms"},
    {FIELD(CostModel, network, FIELD_LIST), .fallback = "", .max = 1, .of = &network_schema,
     .doc = "form mlp: the fitted network"},
    {0},
};

const Schema cost_model_schema = {
    .name = "CostModel",
    .doc = "Constants, tables and form of a cost model.",
    .size = sizeof(CostModel),
    .fields = model_fields,
};

/* --- what must hold
 * ----------------------------------------------------------------------------------- */

static Status refuse(const YamlNode *root, const char *what, const char *name, Diag *diag) {
    return diag_error(diag, root->place, "E0581", NULL, "%s: %s", what, name);
}

static Status check_constants(CostModel *model, const YamlNode *root, Diag *diag) {
    bool seen[COST_FACTORS] = {false};
    for (int64_t i = 0; i < model->constants.count; i++) {
        const CostConstant *constant = &model->constants.items[i];
        const double values[] = {constant->low, constant->expected, constant->high};
        if (seen[constant->name])
            return refuse(root, "a constant is there twice", factor_names[constant->name], diag);
        seen[constant->name] = true;
        memcpy(model->factors[constant->name], values, sizeof values);
    }
    return STATUS_OK;
}

static Status check_steps(const CostStep *steps, int64_t count, const char *name,
                          const YamlNode *root, Diag *diag) {
    for (int64_t i = 0; i < count; i++) {
        bool ends = i + 1 == count;
        if (steps[i].share <= 0 || steps[i].share > 1)
            return refuse(root, "an efficiency is not within 0 and 1", name, diag);
        if (ends ? steps[i].amount != 0 : steps[i].amount <= steps[i + 1].amount)
            return refuse(root, "amounts do not descend to 0", name, diag);
    }
    return STATUS_OK;
}

static Status check_protocols(const CostModel *model, const YamlNode *root, Diag *diag) {
    bool sends = false, anywhere = false;
    for (int64_t i = 0; i < model->moves.protocols.count; i++) {
        const CostProtocol *protocol = &model->moves.protocols.items[i];
        if (protocol->payload <= 0 || protocol->payload > 1)
            return refuse(root, "the payload is not within 0 and 1", protocol->name, diag);
        for (int64_t k = 0; k < protocol->tree_by_size.count; k++)
            if (protocol->tree_by_size.items[k] <= 0)
                return refuse(root, "a tree has no bandwidth at a size", protocol->name, diag);
        sends = sends || protocol->sends_most >= 0x1p53;
        anywhere = anywhere || !protocol->nvlink_only;
    }
    if (!sends || !anywhere || model->moves.tree_share <= 0)
        return refuse(root, "no protocol sends any size anywhere", "moves", diag);
    return STATUS_OK;
}

static int kind_of(const char *name) {
    for (int kind = 0; kind < OP_KINDS; kind++)
        if (strcmp(op_info[kind].name, name) == 0)
            return kind;
    return -1;
}

static bool feature_is_known(const char *name) {
    static const char *const known[] = {"flops", "bytes", "peak", "bandwidth", "ranks"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return strncmp(name, "kind:", 5) == 0 && kind_of(name + 5) >= 0;
}

static Status check_network(const CostNetwork *network, const YamlNode *root, Diag *diag) {
    int64_t inputs = network->features.count;
    if (network->mean.count != inputs || network->scale.count != inputs)
        return refuse(root, "mean and scale have not a value a feature", "network", diag);
    for (int64_t i = 0; i < inputs; i++) {
        if (!feature_is_known(network->features.items[i]))
            return refuse(root, "no such feature", network->features.items[i], diag);
        if (network->scale.items[i] <= 0)
            return refuse(root, "a scale is not positive", network->features.items[i], diag);
    }
    for (int64_t i = 0; i < LAYERS; i++) {
        const CostLayer *layer = &network->layers.items[i];
        if (layer->weights.count != inputs * layer->biases.count)
            return refuse(root, "weights are not outputs x inputs", "network", diag);
        inputs = layer->biases.count;
    }
    if (inputs != 1)
        return refuse(root, "the last layer has not one output", "network", diag);
    if (network->low <= 0 || network->low > 1 || network->high < 1)
        return refuse(root, "low and high are not below and above 1", "network", diag);
    return STATUS_OK;
}

static Status check_form(const CostModel *model, const YamlNode *root, Diag *diag) {
    for (int64_t i = 0; i < model->linear.count; i++)
        if (kind_of(model->linear.items[i].kind) < 0)
            return refuse(root, "no such kind of operation", model->linear.items[i].kind, diag);
    bool lacks = (model->form == COST_MLP && model->network.count == 0) ||
                 (model->form == COST_LINEAR && model->linear.count == 0);
    if (lacks)
        return diag_error(diag, diag_nowhere(), "E0582",
                          model->form == COST_MLP
                              ? "fit one with gen calibrate and name its file: --cost FILE.json"
                              : "list its terms under `linear`",
                          "the cost model %s has no fitted numbers", model->name);
    if (model->network.count > 0)
        TRY(check_network(&model->network.items[0], root, diag));
    return STATUS_OK;
}

static Status check(CostModel *model, const YamlNode *root, Diag *diag) {
    const CostEfficiency *efficiency = &model->efficiency;
    TRY(check_constants(model, root, diag));
    TRY(check_steps(efficiency->flops.items, efficiency->flops.count, "flops", root, diag));
    TRY(check_steps(efficiency->bytes.items, efficiency->bytes.count, "bytes", root, diag));
    TRY(check_protocols(model, root, diag));
    return check_form(model, root, diag);
}

/* --- reading
 * ------------------------------------------------------------------------------------------ */

static Status unknown(Arena *arena, const char *name, Diag *diag) {
    const char *const *files = sandbox_list(arena, FOLDER);
    LIST_OF(const char *) names = {0};
    const char *list = "";
    for (int64_t i = 0; files[i]; i++) {
        const char *base = files[i] + strlen(FOLDER);
        const char *each = arena_strndup(arena, base, strcspn(base, "."));
        *(const char **)LIST_PUSH(arena, &names) = each;
        list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", each);
    }
    *(const char **)LIST_PUSH(arena, &names) = NULL;
    const char *nearest = diag_nearest(name, names.items);
    char *help = nearest ? arena_printf(arena, "did you mean %s? Known are %s", nearest, list)
                         : arena_printf(arena, "known are %s, or name a FILE.json", list);
    return diag_error(diag, diag_nowhere(), "E0580", help, "there is no cost model '%s'", name);
}

/* The table that a Lua file returns, as a tree. */
static Status run_lua(Arena *arena, const char *name, const char *share, YamlNode **root,
                      Diag *diag) {
    Sandbox sandbox;
    Buf json = {0};
    size_t length;
    char *file = arena_printf(arena, FOLDER "%s.lua", name);
    TRY(sandbox_open(&sandbox, share, MEMORY, diag));
    bool plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
    Status status = plain && *name && sandbox_file(&sandbox, file, &length)
                        ? sandbox_run(&sandbox, file, diag)
                        : unknown(arena, name, diag);
    if (status == STATUS_OK)
        status = sandbox_to_json(sandbox.lua, -1, &json, diag);
    if (status == STATUS_OK)
        status = yaml_parse(arena, file, json.data, json.length, yaml_config_limits, root, diag);
    buf_free(&json);
    sandbox_close(&sandbox);
    return status;
}

static bool is_file(const char *name) {
    size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".json") == 0;
}

Status cost_model_read(Arena *arena, const char *name, const char *share, CostModel *model,
                       Diag *diag) {
    YamlNode *root;
    if (is_file(name))
        TRY(yaml_read(arena, name, yaml_plan_limits, &root, diag));
    else
        TRY(run_lua(arena, name, share, &root, diag));
    TRY(schema_read(&cost_model_schema, root, model, arena, diag));
    model->name = arena_strdup(arena, name);
    return check(model, root, diag);
}

static const CostModel *in_use;

void cost_model_use(const CostModel *model) {
    in_use = model;
}

const CostModel *cost_model(void) {
    static Arena arena;
    static CostModel built_in;
    if (in_use)
        return in_use;
    Diag diag = {.arena = &arena};
    Status status = cost_model_read(&arena, cost_form_names[COST_ROOFLINE], NULL, &built_in, &diag);
    assert(status == STATUS_OK && "our own data reads well");
    (void)status;
    in_use = &built_in;
    return in_use;
}
