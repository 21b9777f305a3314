/* cost_model: what the equations of cost take from outside: constants and tables with their sources, and which form
 * kernels' times have. A model is data: lua/cost/NAME.lua, run once in the sandbox, or a JSON file with the same keys.
 * It knows no schedule. */
#pragma once

#include "base/schema.h"

typedef enum CostForm { COST_ROOFLINE, COST_LINEAR, COST_MLP } CostForm;
extern const char *const cost_form_names[];

/* Constants that every model has, each once. */
typedef enum CostFactorId {
    COST_LAUNCH,          /* s before a kernel begins */
    COST_COMPUTE,         /* share of the efficiency by size that is reached */
    COST_MEMORY,          /* likewise */
    COST_MOVE_BASE,       /* s before a move begins, at the least */
    COST_LINK_EFFICIENCY, /* share of a link's bandwidth that moves reach */
    COST_NIC_EFFICIENCY,  /* share of a NIC's bandwidth */
    COST_LATENCY,         /* times the latencies of hops */
    COST_FACTORS,
} CostFactorId;

typedef struct CostConstant {
    int64_t name; /* CostFactorId */
    const char *unit, *source;
    double low, expected, high;
} CostConstant;

/* Work of at least `amount` reaches `share` of the peak. */
typedef struct CostStep {
    double amount, share;
} CostStep;

typedef struct CostEfficiency {
    const char *source;
    LIST_OF(CostStep) flops, bytes; /* from the largest amount down to 0 */
} CostEfficiency;

/* Seconds before the first hop, and of a hop by what it goes over. */
typedef struct CostHops {
    double base, nvlink, pcie, network;
} CostHops;

typedef struct CostMost {
    const char *gpu;       /* its type begins so */
    double one, two, more; /* bytes/s on 1, 2, and 4 or more nodes */
} CostMost;

typedef struct CostProtocol {
    const char *name;
    double payload;   /* share of the bytes written */
    bool nvlink_only; /* needs NVLink in every node */
    CostHops ring, tree;
    RealList tree_by_size; /* times a tree's bandwidth at 64 x 2^i bytes */
    double near_factor;    /* times hops in a node, where there are several nodes */
    double plateau_factor,
        plateau_from;  /* times the latency of all-reduce rings across nodes, from bytes a member */
    double sends_most; /* bytes that sends move by it at most */
    LIST_OF(CostMost) most; /* bandwidth of an edge */
} CostProtocol;

typedef struct CostMoves {
    const char *source;
    double tree_share; /* of a ring's bandwidth */
    LIST_OF(CostProtocol) protocols;
} CostMoves;

/* Form linear: seconds of a kind of operation; other kinds cost nothing. */
typedef struct CostLinearTerm {
    const char *kind; /* of operations */
    double seconds, per_position, per_hidden, per_expert_hidden, per_expert;
} CostLinearTerm;

typedef struct CostLayer {
    RealList weights; /* [outputs][inputs] */
    RealList biases;  /* [outputs] */
} CostLayer;

/* Form mlp: log2 of seconds = W3 tanh(W2 tanh(W1 x + b1) + b2) + b3, x = (feature - mean) / scale. Features:
 * "flops", "bytes" of the operation, "peak", "bandwidth" of the GPU (log2 of 1 + each), "ranks" (log2 of the world),
 * "kind:NAME" (1 if the operation is of this kind, else 0). */
typedef struct CostNetwork {
    const char *source;
    TextList features;
    RealList mean, scale;
    LIST_OF(CostLayer) layers; /* 3 */
    double low, high;          /* times what is expected */
} CostNetwork;

typedef struct CostModel {
    int64_t form; /* CostForm */
    const char *doc;
    LIST_OF(CostConstant) constants;
    CostEfficiency efficiency;
    CostMoves moves;
    LIST_OF(CostLinearTerm) linear;
    LIST_OF(CostNetwork) network;    /* at most one */
    const char *name;                /* as asked for; not written */
    double factors[COST_FACTORS][3]; /* the constants by COST_LOW, ...; not written */
} CostModel;

extern const Schema cost_model_schema;

/* Read "NAME" (lua/cost/NAME.lua, `share` overrides) or "path/to/file.json". Unknown names are E0580 (nearest
 * named), data that does not hold together E0581, a form without its numbers E0582. */
Status cost_model_read(Arena *arena, const char *name, const char *share, CostModel *model,
                       Diag *diag);

/* What costs are asked with: the model that was put in use, which must outlive all questions; else the built-in
 * roofline, read on first use and kept for the life of the process. */
const CostModel *cost_model(void);
void cost_model_use(const CostModel *model);
