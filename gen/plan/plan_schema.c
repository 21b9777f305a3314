/* plan_schema: the declaration of every field of a plan, as data; reading, writing, Lua types, diff
 * and docs loop over it. It must not know what fields mean to each other: that is
 * plan_validate's. */
#include "plan/plan.h"

const char *const plan_part_names[] = {
    "embed",   "receive", "attention", "dispatch", "experts",
    "combine", "send",    "head",      "tokens",   NULL,
};
const char *const plan_primitive_names[] = {"all_reduce", "reduce_scatter", "all_gather",
                                            "transfers", NULL};
const char *const plan_reduce_names[] = {"copy", "sum", NULL};
const char *const plan_move_names[] = {
    "attention_output", "gather",  "embedding", "ffn_output", "norm",
    "dispatch",         "combine", "handover",  NULL,
};
const char *const plan_stream_names[] = {"compute", "dispatch", "combine", "collectives", NULL};
const char *const plan_phase_names[] = {"prefill", "decode", NULL};
const char *const plan_ffn_names[] = {"dense", "shared", NULL};
static const char *const unit_names[] = {"element", "row", NULL};
static const char *const mode_names[] = {"padded", "exact", NULL};
static const char *const residual_names[] = {"replicated", "sharded", NULL};
static const char *const replica_choice_names[] = {"nearest", "round_robin", NULL};

/* Larger numbers are refused, so that products of two stay far inside int64_t. */
#define COUNT_MAX ((double)(1 << 30))

#define FIELD(of_type, field, kind) .name = #field, .type = kind, .offset = offsetof(of_type, field)
#define COUNT(of_type, field, least)                                                               \
    FIELD(of_type, field, FIELD_INT), .min = (least), .max = COUNT_MAX
#define CHOICE(of_type, field, list) FIELD(of_type, field, FIELD_ENUM), .names = (list)
#define ITEMS(of_type, field, schema) FIELD(of_type, field, FIELD_LIST), .of = &(schema)
#define SCHEMA(id, title, of_type, text)                                                           \
    static const Schema id##_schema = {                                                            \
        .name = title, .doc = text, .size = sizeof(of_type), .fields = id##_fields}

static const Field rank_fields[] = {
    {COUNT(PlanRank, rank, 0), .doc = "its number"},
    {COUNT(PlanRank, node, 0), .doc = "node of the topology, from 0"},
    {COUNT(PlanRank, gpu, 0), .doc = "GPU of that node, from 0"},
    {0},
};
SCHEMA(rank, "PlanRank", PlanRank, "where a rank runs");

static const Field idle_fields[] = {
    {COUNT(PlanIdle, node, 0), .doc = "node of the topology, from 0"},
    {COUNT(PlanIdle, gpu, 0), .doc = "GPU of that node, from 0"},
    {FIELD(PlanIdle, why, FIELD_TEXT), .doc = "why it has no rank"},
    {0},
};
SCHEMA(idle, "PlanIdle", PlanIdle, "a GPU that is not used");

static const Field member_fields[] = {
    {COUNT(PlanMember, rank, 0), .doc = "rank of the first copy"},
    {FIELD(PlanMember, heads, FIELD_RANGE), .doc = "query heads [begin, end)"},
    {0},
};
SCHEMA(member, "PlanMember", PlanMember, "a rank of a request group");

static const Field group_fields[] = {
    {FIELD(PlanGroup, requests, FIELD_RANGE), .doc = "sequences of the copy's batch [begin, end)"},
    {ITEMS(PlanGroup, members, member_schema), .min = 1, .max = COUNT_MAX, .doc = "its ranks"},
    {0},
};
SCHEMA(group, "PlanGroup", PlanGroup,
       "a request group: ranks that serve the same requests, splitting query heads");

static const Field expert_fields[] = {
    {FIELD(PlanExpert, layers, FIELD_RANGE), .doc = "layers [begin, end)"},
    {COUNT(PlanExpert, expert, 0),
     .doc = "its number; after the last: what all tokens pass beside their experts"},
    {FIELD(PlanExpert, columns, FIELD_RANGE),
     .doc = "of expert_hidden or shared_hidden [begin, end)"},
    {COUNT(PlanExpert, rank, 0), .doc = "rank of the first copy"},
    {COUNT(PlanExpert, replica, 0), .fallback = "0", .doc = "0: the primary"},
    {0},
};
SCHEMA(expert, "PlanExpert", PlanExpert, "who holds an expert, or columns of it");

static const Field ffn_fields[] = {
    {CHOICE(PlanFfn, kind, plan_ffn_names), .doc = "of dense layers, or beside the experts"},
    {COUNT(PlanFfn, rank, 0), .doc = "a member of a request group"},
    {FIELD(PlanFfn, columns, FIELD_RANGE), .doc = "of dense_hidden or shared_hidden [begin, end)"},
    {0},
};
SCHEMA(ffn, "PlanFfn", PlanFfn, "who holds columns of a feed-forward that all tokens pass");

static const Field stage_fields[] = {
    {FIELD(PlanStage, layers, FIELD_RANGE), .doc = "layers [begin, end)"},
    {ITEMS(PlanStage, attention, group_schema), .min = 1, .max = COUNT_MAX,
     .doc = "request groups"},
    {ITEMS(PlanStage, ffn, ffn_schema), .fallback = "", .doc = "feed-forwards of all tokens"},
    {ITEMS(PlanStage, experts, expert_schema), .doc = "holders of experts"},
    {0},
};
SCHEMA(stage, "PlanStage", PlanStage, "a pipeline stage");

static const Field vocabulary_fields[] = {
    {COUNT(PlanVocabulary, rank, 0), .doc = "a member of a request group"},
    {FIELD(PlanVocabulary, entries, FIELD_RANGE), .doc = "vocabulary entries [begin, end)"},
    {0},
};
SCHEMA(vocabulary, "PlanVocabulary", PlanVocabulary, "entries of embedding or head on a rank");

static const Field item_fields[] = {
    {CHOICE(PlanItem, part, plan_part_names), .doc = "what is done"},
    {COUNT(PlanItem, microbatch, 0), .doc = "for which micro-batch"},
    {COUNT(PlanItem, lag, 0), .fallback = "0", .doc = "it works on layer (loop layer - lag)"},
    {0},
};
SCHEMA(item, "PlanItem", PlanItem, "one part of a layer for one micro-batch");

static const Field loop_fields[] = {
    {FIELD(PlanLoop, layers, FIELD_RANGE), .doc = "once for each of these [begin, end)"},
    {ITEMS(PlanLoop, items, item_schema), .min = 1, .max = COUNT_MAX, .doc = "in this order"},
    {0},
};
SCHEMA(loop, "PlanLoop", PlanLoop, "items repeated over layers");

static const Field order_fields[] = {
    {FIELD(PlanOrder, ranks, FIELD_INTS), .min = 1, .max = COUNT_MAX, .doc = "of the first copy"},
    {ITEMS(PlanOrder, loops, loop_schema), .doc = "one after the other"},
    {0},
};
SCHEMA(order, "PlanOrder", PlanOrder, "what a set of ranks does, in program order");

static const Field transfer_fields[] = {
    {COUNT(PlanTransfer, from, 0), .doc = "rank of the set"},
    {COUNT(PlanTransfer, to, 0), .doc = "another one"},
    {FIELD(PlanTransfer, pieces, FIELD_RANGE), .doc = "of the move, the same place on both sides"},
    {CHOICE(PlanTransfer, reduce, plan_reduce_names), .fallback = "copy",
     .doc = "what becomes of them in the receiver"},
    {0},
};
SCHEMA(transfer, "PlanTransfer", PlanTransfer, "pieces from one rank to another");

static const Field set_fields[] = {
    {FIELD(PlanSet, ranks, FIELD_INTS), .min = 1, .max = COUNT_MAX, .doc = "its members"},
    {ITEMS(PlanSet, pieces, range_schema), .fallback = "",
     .doc = "pieces of each member; none where there are transfers"},
    {ITEMS(PlanSet, transfers, transfer_schema), .fallback = "",
     .doc = "of primitive transfers, all at once"},
    {0},
};
SCHEMA(set, "PlanSet", PlanSet, "ranks that run one primitive together");

static const Field move_stage_fields[] = {
    {CHOICE(PlanMoveStage, primitive, plan_primitive_names), .doc = "what the sets do"},
    {ITEMS(PlanMoveStage, sets, set_schema), .min = 1, .max = COUNT_MAX, .doc = "disjoint"},
    {0},
};
SCHEMA(move_stage, "PlanMoveStage", PlanMoveStage, "a stage of a collective algorithm");

static const Field move_fields[] = {
    {CHOICE(PlanMove, kind, plan_move_names), .doc = "what is moved"},
    {FIELD(PlanMove, group, FIELD_INT), .min = -1, .max = COUNT_MAX, .fallback = "-1",
     .doc = "request group, counted over the stages; -1 for moves between groups"},
    {FIELD(PlanMove, algorithm, FIELD_TEXT), .doc = "the Lua file that expanded it; for people"},
    {COUNT(PlanMove, pieces, 1), .fallback = "1", .doc = "the payload is cut in so many pieces"},
    {CHOICE(PlanMove, unit, unit_names), .fallback = "row", .doc = "what pieces are counted in"},
    {ITEMS(PlanMove, stages, move_stage_schema), .fallback = "", .doc = "of a collective"},
    {CHOICE(PlanMove, mode, mode_names), .fallback = "padded", .doc = "of dispatch and combine"},
    {COUNT(PlanMove, chunk, 0), .fallback = "0", .doc = "tokens a transfer; 0: all at once"},
    {COUNT(PlanMove, in_flight, 1), .fallback = "1", .doc = "transfers at most per pair"},
    {CHOICE(PlanMove, stream, plan_stream_names), .doc = "where it runs"},
    {0},
};
SCHEMA(move, "PlanMove", PlanMove, "a transfer between ranks");

static const Field step_fields[] = {
    {FIELD(PlanStep, name, FIELD_TEXT), .doc = "[a-z0-9-]"},
    {CHOICE(PlanStep, phase, plan_phase_names), .doc = "what the step does"},
    {COUNT(PlanStep, tokens, 1), .doc = "rows a sequence"},
    {COUNT(PlanStep, microbatches, 1), .doc = "parts of each group's requests"},
    {ITEMS(PlanStep, orders, order_schema), .min = 1, .max = COUNT_MAX, .doc = "of all ranks"},
    {ITEMS(PlanStep, moves, move_schema), .doc = "of this phase"},
    {0},
};
SCHEMA(step, "PlanStep", PlanStep, "what a program can be asked to do once");

static const Field why_fields[] = {
    {FIELD(PlanWhy, choice, FIELD_TEXT), .doc = "what was chosen"},
    {FIELD(PlanWhy, reason, FIELD_TEXT), .doc = "why"},
    {FIELD(PlanWhy, runner_up, FIELD_TEXT), .fallback = "", .doc = "the next best"},
    {FIELD(PlanWhy, where, FIELD_TEXT), .fallback = "", .doc = "file and line of the planner"},
    {0},
};
SCHEMA(why, "PlanWhy", PlanWhy, "the reason of a choice");

/* The input schemas belong to other modules; pointers to them are constants all the same. */
static const Field inputs_fields[] = {
    {FIELD(PlanInputs, model, FIELD_OBJECT), .of = &model_schema, .doc = "as resolved"},
    {FIELD(PlanInputs, topology, FIELD_OBJECT), .of = &topology_schema, .doc = "as resolved"},
    {FIELD(PlanInputs, workload, FIELD_OBJECT), .of = &workload_schema, .doc = "as resolved"},
    {FIELD(PlanInputs, model_digest, FIELD_TEXT), .doc = "of the model's canonical JSON"},
    {FIELD(PlanInputs, topology_digest, FIELD_TEXT), .doc = "of the topology's"},
    {FIELD(PlanInputs, workload_digest, FIELD_TEXT), .doc = "of the workload's"},
    {0},
};
SCHEMA(inputs, "PlanInputs", PlanInputs, "what the plan is for");

/* What a planner decides, shared by both schemas. */
#define DECISIONS                                                                                  \
    {COUNT(Plan, copies, 1), .fallback = "1", .doc = "data-parallel copies"},                      \
        {COUNT(Plan, ranks_per_copy, 1), .doc = "ranks of one copy"},                              \
        {ITEMS(Plan, ranks, rank_schema), .min = 1, .max = COUNT_MAX, .doc = "ascending"},         \
        {ITEMS(Plan, idle, idle_schema), .fallback = "", .doc = "GPUs that are not used"},         \
        {ITEMS(Plan, stages, stage_schema), .min = 1, .max = COUNT_MAX, .doc = "pipeline stages"}, \
        {ITEMS(Plan, embedding, vocabulary_schema), .doc = "who holds the embedding"},             \
        {ITEMS(Plan, head, vocabulary_schema), .doc = "who holds the head"},                       \
        {ITEMS(Plan, steps, step_schema), .min = 1, .max = COUNT_MAX, .doc = "of the program"},    \
        {CHOICE(Plan, residual, residual_names), .fallback = "replicated",                         \
         .doc = "over a request group"},                                                           \
        {CHOICE(Plan, replica_choice, replica_choice_names), .fallback = "nearest",                \
         .doc = "which replica of an expert a token takes"},                                       \
        {ITEMS(Plan, why, why_schema), .fallback = "", .doc = "reasons"}, {                        \
        0                                                                                          \
    }

static const Field plan_fields[] = {
    {FIELD(Plan, schema_version, FIELD_INT), .doc = "of this file"},
    {FIELD(Plan, name, FIELD_TEXT), .doc = "of the program; [a-z0-9-]"},
    {FIELD(Plan, strategy, FIELD_TEXT), .doc = "as asked for"},
    {FIELD(Plan, inputs, FIELD_OBJECT), .of = &inputs_schema, .doc = "what the plan is for"},
    DECISIONS,
};

static const Field decisions_fields[] = {
    {FIELD(Plan, name, FIELD_TEXT), .fallback = "", .doc = "of the program; empty: gen names it"},
    DECISIONS,
};

const Schema plan_schema = {
    .name = "Plan", .doc = "a plan", .size = sizeof(Plan), .fields = plan_fields};
const Schema plan_decisions_schema = {.name = "PlanDecisions",
                                      .doc = "what a planner returns",
                                      .size = sizeof(Plan),
                                      .fields = decisions_fields};
