/* plan: the decisions, and nothing that follows from them. One schema for every strategy; a person
 * can read, edit and diff it. It stands alone: it carries the resolved inputs with their digests
 * and the collective algorithms expanded to data. Written by planners (Lua), read back as hostile
 * data. */
#pragma once

#include "input/model.h"
#include "input/topology.h"
#include "input/workload.h"

enum { PLAN_SCHEMA_VERSION = 1 };

/* Ranks are numbered 0 .. copies x ranks_per_copy - 1. Everything below `stages` names ranks of the
 * first copy; copy c has the same structure on ranks + c x ranks_per_copy. */
typedef struct PlanRank {
    int64_t rank, node, gpu;
} PlanRank;

typedef struct PlanIdle {
    int64_t node, gpu;
    const char *why;
} PlanIdle;

typedef struct PlanMember {
    int64_t rank;
    Range heads; /* query heads */
} PlanMember;

/* A request group: ranks that serve the same requests, splitting query heads between them. Owner of
 * row t of T rows of a micro-batch: member j with t in [T j / n, T (j + 1) / n), n members. */
typedef struct PlanGroup {
    Range requests; /* sequences [begin, end) of the copy's batch, ceil(batch / copies) in all */
    LIST_OF(PlanMember) members;
} PlanGroup;

/* `expert` counts the model's experts; one more (plan_shared_expert) is the feed-forward beside them, that all tokens
 * choose, where a plan puts it among the experts. It has replicas and column parts as they have. */
typedef struct PlanExpert {
    Range layers;
    int64_t expert;
    Range columns; /* of expert_hidden, or of shared_hidden */
    int64_t rank;
    int64_t replica; /* 0: primary */
} PlanExpert;

typedef enum PlanFfnKind {
    FFN_DENSE,  /* in the dense layers of the stage */
    FFN_SHARED, /* in its other layers, beside the experts; none where it is one of the experts */
} PlanFfnKind;
extern const char *const plan_ffn_names[];

/* A feed-forward that all tokens pass, cut in columns over the members of a request group, which serves itself. Each
 * member has one part of each kind that the stage has; a sum over the group follows (MOVE_FFN_OUTPUT). */
typedef struct PlanFfn {
    int64_t kind; /* PlanFfnKind */
    int64_t rank;
    Range columns; /* of dense_hidden or shared_hidden */
} PlanFfn;

typedef struct PlanStage {
    Range layers;
    LIST_OF(PlanGroup) attention;
    LIST_OF(PlanFfn) ffn;
    LIST_OF(PlanExpert) experts; /* of layers that are not dense */
} PlanStage;

/* Embedding and head: vocabulary entries [begin, end) on a rank that is a member of a request
 * group. Within each group the ranges either cover the vocabulary once, or every member holds all
 * of it. */
typedef struct PlanVocabulary {
    int64_t rank;
    Range entries;
} PlanVocabulary;

typedef enum PlanPart {
    PART_EMBED,     /* token (and position) embedding; first stage */
    PART_RECEIVE,   /* the residual stream from the stage before */
    PART_ATTENTION, /* norm, projections, attention, output move, norm, router, packing */
    PART_DISPATCH,  /* tokens to the holders of their experts */
    PART_EXPERTS,   /* expert FFN */
    PART_COMBINE,   /* results back to the owners, weighted sum, residual */
    PART_SEND,      /* the residual stream to the next stage */
    PART_HEAD,      /* final norm, logits, choice of the next token; last stage */
    PART_TOKENS,    /* the choice from the last stage to the first, where these differ */
} PlanPart;
extern const char *const plan_part_names[];

typedef struct PlanItem {
    int64_t part; /* PlanPart */
    int64_t microbatch;
    int64_t lag; /* the item works on layer (loop layer - lag) */
} PlanItem;

/* The items in order, once for each layer in [begin, end). A prologue or epilogue is a loop of one.
 * Parts embed and head ignore the layer. */
typedef struct PlanLoop {
    Range layers;
    LIST_OF(PlanItem) items;
} PlanLoop;

/* What a set of ranks (of the first copy) does, in program order. Items in which a rank takes no
 * part are skipped for it. The moves of all ranks must be consistent with one total order. */
typedef struct PlanOrder {
    IntList ranks;
    LIST_OF(PlanLoop) loops;
} PlanOrder;

typedef enum PlanPrimitive {
    PRIMITIVE_ALL_REDUCE,     /* members get the sum of the pieces named for each (equal for all) */
    PRIMITIVE_REDUCE_SCATTER, /* member i gets the sum of pieces[i] */
    PRIMITIVE_ALL_GATHER,     /* member i contributes pieces[i], all get all of them */
    PRIMITIVE_TRANSFERS,      /* as listed, all at once: what is sent is of before the stage */
} PlanPrimitive;
extern const char *const plan_primitive_names[];

typedef enum PlanReduce {
    REDUCE_COPY, /* replaces what the receiver has */
    REDUCE_SUM,  /* is added to it; several sums of a piece in the order of the list */
} PlanReduce;
extern const char *const plan_reduce_names[];

/* Pieces [begin, end) of the move's payload from one rank of a set to the same place in another. */
typedef struct PlanTransfer {
    int64_t from, to;
    Range pieces;
    int64_t reduce; /* PlanReduce */
} PlanTransfer;

/* A primitive over one set of ranks. pieces[i] of member i: [begin, end) of the move's pieces; may
 * be empty for reduce_scatter and all_gather. Sets of transfers list those instead. */
typedef struct PlanSet {
    IntList ranks;         /* ascending */
    LIST_OF(Range) pieces; /* FIELD_LIST of range_schema */
    LIST_OF(PlanTransfer) transfers;
} PlanSet;

typedef struct PlanMoveStage {
    int64_t primitive;     /* PlanPrimitive */
    LIST_OF(PlanSet) sets; /* disjoint */
} PlanMoveStage;

typedef enum PlanMoveKind {
    MOVE_ATTENTION_OUTPUT, /* partial sums of the output projection, within a request group */
    MOVE_GATHER,           /* rows that owners hold to all members of their group */
    MOVE_EMBEDDING,        /* partial sums of a vocabulary-split embedding, within a group */
    MOVE_FFN_OUTPUT, /* partial sums over experts or their columns, within a group that holds all */
    MOVE_NORM, /* float32 sums of squares of queries and keys over all heads, within a request group */
    MOVE_DISPATCH, /* owners to expert holders */
    MOVE_COMBINE,  /* expert holders to owners */
    MOVE_HANDOVER, /* the residual stream to the next stage, chosen tokens to the first */
    MOVE_KINDS,
} PlanMoveKind;
extern const char *const plan_move_names[];

typedef enum PlanUnit { UNIT_ELEMENT, UNIT_ROW } PlanUnit;
typedef enum PlanMode { MODE_PADDED, MODE_EXACT } PlanMode;

typedef struct PlanMove {
    int64_t kind;  /* PlanMoveKind */
    int64_t group; /* request group, counted over the stages; -1: dispatch, combine, handover */
    const char *algorithm; /* name of the Lua file that expanded it; for people */
    int64_t
        pieces; /* the payload is cut in so many nearly equal pieces: k is [U k / n, U (k+1) / n) */
    int64_t unit;                  /* PlanUnit: U counts elements or rows */
    LIST_OF(PlanMoveStage) stages; /* collectives only */
    int64_t mode;                  /* PlanMode; dispatch and combine only */
    int64_t chunk;     /* tokens a transfer; 0: all at once; dispatch and combine only */
    int64_t in_flight; /* transfers at most in flight per pair; 1 or more */
    int64_t
        stream; /* 0 compute, 1 dispatch, 2 combine, 3 collectives: names in plan_stream_names */
} PlanMove;
extern const char *const plan_stream_names[];

typedef enum PlanPhase { PHASE_PREFILL, PHASE_DECODE } PlanPhase;
extern const char *const plan_phase_names[];

/* A step: a phase with its bounds, order and moves. tokens: rows a sequence (the prompt bound; 1 in
 * decode). A group's requests are cut in `microbatches` parts: part m of R is [R m / M, R (m+1) /
 * M). */
typedef struct PlanStep {
    const char *name;
    int64_t phase; /* PlanPhase */
    int64_t tokens, microbatches;
    LIST_OF(PlanOrder) orders;
    LIST_OF(PlanMove) moves;
} PlanStep;

typedef enum PlanResidual { RESIDUAL_REPLICATED, RESIDUAL_SHARDED } PlanResidual;
typedef enum PlanReplicaChoice { REPLICA_NEAREST, REPLICA_ROUND_ROBIN } PlanReplicaChoice;

typedef struct PlanWhy {
    const char *choice, *reason, *runner_up;
    const char *where; /* "file.lua:line" of the planner */
} PlanWhy;

typedef struct PlanInputs {
    Model model;
    Topology topology;
    Workload workload;
    const char *model_digest, *topology_digest, *workload_digest; /* of the canonical JSON */
} PlanInputs;

typedef struct Plan {
    int64_t schema_version;
    const char *name;     /* of the program; [a-z0-9-] */
    const char *strategy; /* as asked for; decides nothing */
    PlanInputs inputs;
    int64_t copies, ranks_per_copy;
    LIST_OF(PlanRank) ranks; /* all ranks, ascending */
    LIST_OF(PlanIdle) idle;
    LIST_OF(PlanStage) stages;
    LIST_OF(PlanVocabulary) embedding, head;
    LIST_OF(PlanStep) steps;
    int64_t residual;       /* PlanResidual */
    int64_t replica_choice; /* PlanReplicaChoice */
    LIST_OF(PlanWhy) why;
} Plan;

extern const Schema plan_schema;
/* What a planner returns: plan_schema without schema_version, inputs and strategy. */
extern const Schema plan_decisions_schema;

/* Read plan.json. Another schema version is E0501; then structural checks that make the plan safe
 * to lower: indices in range, ranges ordered, ranks consistent (E0502..E0519). Coverage is the
 * proof's. */
Status plan_read(Arena *arena, const char *path, Plan *plan, Diag *diag);
/* The structural checks alone, for a plan that a planner returned. */
Status plan_validate(const Plan *plan, const struct YamlNode *root, Diag *diag);

/* Whether a text can name a program and its steps: a-z, 0-9 and '-', at most 100 of them, the first
 * of them no '-'. */
bool plan_name_is_plain(const char *name);

/* Canonical text of a plan; byte-equal for equal plans. */
void plan_write(const Plan *plan, Buf *out);

/* Digest of text: 64-bit FNV-1a as 16 hex digits (an identity check, not a signature). */
const char *plan_digest(Arena *arena, const char *text, size_t length);

/* ceil(batch / copies): the batch bound of a copy. */
int64_t plan_copy_batch(const Plan *plan);

/* The number by which experts[] of stages name the feed-forward beside the experts; is it there? */
int64_t plan_shared_expert(const Plan *plan);
bool plan_shares_with_experts(const Plan *plan);
/* Experts that a token can be sent to, and its choices among them: those of the model and perhaps that one. */
int64_t plan_experts(const Plan *plan);
int64_t plan_choices(const Plan *plan);
