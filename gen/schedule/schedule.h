/* schedule: the consequence of a plan. For each rank and step the operations in program order, folded over
 * layers: segments of operations that are repeated once a layer. Derived by lowering, never written by
 * hand; everything that follows (check, cost, show, emission, verification) reads this and the plan.
 * Arrays and integer ids, no pointers between records. All of it lies in one arena. */
#pragma once

#include "plan/plan.h"
#include "schedule/ops.h"

/* --- holdings: the only answer to "who has this slice" --------------------------------------------- */

/* A slice of one tensor kind on a rank, for layers [begin, end) (0, 1 where the kind is not per layer). */
typedef struct Holding {
    int64_t rank, tensor; /* TensorKind */
    Range layers;
    int64_t expert;      /* -1: the kind is not per expert */
    Range rows, columns; /* of the tensor in checkpoints */
    bool primary;        /* else a copy of what another rank holds as primary */
    int64_t buffer;      /* of the rank */
    int64_t
        delta; /* bytes into one layer: slab offset + (layer - first_layer) x layer_stride + delta */
    int64_t pitch; /* elements between rows */
    int64_t type;  /* ElementType in the slab */
} Holding;

/* --- buffers ----------------------------------------------------------------------------------------- */

typedef enum BufferClass {
    BUFFER_WEIGHT,     /* loaded once */
    BUFFER_STATE,      /* KV cache: lives as long as a wave */
    BUFFER_ACTIVATION, /* within a step; laid over others by lifetime */
    BUFFER_WINDOW,     /* an activation that a peer reads or that is moved */
    BUFFER_WORKSPACE,  /* scratch of one operation, shared by all */
} BufferClass;
extern const char *const buffer_class_names[];

typedef struct Buffer {
    const char *name;            /* [a-z0-9_], unique within the rank */
    const char *shape;           /* for people, e.g. "bf16 [64][4096]" */
    int64_t class;               /* BufferClass */
    int64_t step;                /* index of its step; -1: persistent or shared by all */
    int64_t bytes;               /* of one layer where layer_stride is not 0, else of all */
    int64_t first_layer, layers; /* 0 and 1, or the layers that it has a copy for */
    bool per_layer;
    int64_t layer_stride; /* bytes; set by memory, equal for all ranks of a role */
    int64_t offset;       /* in the slab; set by memory, equal for all ranks of a role */
} Buffer;

/* --- operations --------------------------------------------------------------------------------------- */

typedef struct OpValue {
    int64_t value; /* a number, or a buffer id; -1: absent */
    int64_t delta; /* bytes into the buffer */
} OpValue;

enum { OP_WAITS = 6 };

typedef struct Op {
    int64_t kind;            /* OpKind */
    int64_t part;            /* PlanPart */
    int64_t microbatch, lag; /* works on layer (segment layer - lag); see per_layer */
    bool per_layer;          /* false: embed, head and what belongs to them */
    int64_t stream;
    int64_t channel, exchange; /* ids, -1: none */
    OpValue args[OP_ARGS];
    int64_t waits[OP_WAITS]; /* operation ids of this rank on other streams, -1 ends */
    bool records;            /* some operation waits for this one */
    double flops, bytes;     /* work and device-memory traffic at the bounds, for the cost model */
    const char *rule; /* lowering rule, "lower_attention.c: query, key, value of the local heads" */
} Op;

/* Operations [first, first + count) of the rank, once for each layer in [layers.begin, layers.end). */
typedef struct Segment {
    Range layers;
    int64_t first, count;
} Segment;

typedef struct RankStep {
    LIST_OF(Segment) segments;
    bool captured; /* recorded once and replayed, by targets that can: no count comes to the host */
} RankStep;

typedef struct RankSchedule {
    int64_t rank, role;
    LIST_OF(Op) ops; /* of all steps; the index is the operation's id */
    RankStep *steps; /* [plan steps] */
    LIST_OF(Buffer) buffers;
    LIST_OF(Holding) holdings; /* of this rank */
    int64_t slab_bytes;
    int64_t state_offset, state_bytes;
} RankSchedule;

/* --- moves -------------------------------------------------------------------------------------------- */

/* Pieces of a move from one member of a channel to another, by index. */
typedef struct ChannelTransfer {
    int64_t from, to;
    Range pieces;
    int64_t sum; /* PlanReduce: added, else a copy */
} ChannelTransfer;

typedef struct Channel {
    const char *name; /* "attention_output g0 stage 1" */
    int64_t move;     /* PlanMoveKind */
    int64_t stream;
    IntList ranks; /* ascending */
    int64_t pieces;
    LIST_OF(Range) own;                 /* per member, of primitives only */
    LIST_OF(ChannelTransfer) transfers; /* of a stage of transfers: no member owns pieces */
    bool is_exchange, is_pair;          /* neither: collectives */
} Channel;

typedef struct ExchangeSource {
    int64_t rank;
    Range rows;             /* of its group's micro-batch: the rows that it owns */
    int64_t first_sequence; /* of the group's micro-batch, within the wave */
    int64_t tokens;         /* rows a sequence */
    int64_t routes;         /* the table it packs by; not in the text */
} ExchangeSource;

typedef struct ExchangeTarget {
    int64_t rank, slots;
} ExchangeTarget;

/* The rows of one source for one target, or their results, on a part of their way. */
typedef struct ExchangeHop {
    int64_t stage, from, to; /* ranks */
    int64_t source, target;  /* of the exchange, by index */
} ExchangeHop;

typedef struct Exchange {
    const char *name; /* "decode m0" */
    int64_t step, microbatch, copy;
    LIST_OF(ExchangeSource) sources; /* ascending ranks */
    LIST_OF(ExchangeTarget) targets; /* ascending ranks */
    int64_t mode, chunk, in_flight;  /* dispatch and combine alike */
    bool local;                      /* one rank is source and target: no move is needed */
    LIST_OF(ExchangeHop) hops[2]; /* [back] ascending stages; empty: every pair directly, at once */
} Exchange;

/* Where the parts of each expert live as seen by a source: [row][expert][part] -> target index in the
 * exchange (the same for all exchanges of a copy) and slot there. Layers whose experts lie alike share a row. */
typedef struct RouteTable {
    int64_t parts; /* the most column parts that an expert is cut in; missing ones have target -1 */
    int64_t rows;
    int64_t *row_of; /* [layers] row; -1: dense, or of another stage */
    int64_t *target; /* [rows][experts][parts] */
    int64_t *slot;   /* [rows][experts][parts] */
} RouteTable;

/* Rows that lead the same ways become one; rows ascend by the first layer that has them if they did before. */
void route_table_share(RouteTable *table, int64_t layers, int64_t experts);

/* Index of the parts of an expert in a layer that has experts. */
static inline int64_t route_parts_at(const RouteTable *table, int64_t experts, int64_t layer,
                                     int64_t expert) {
    return (table->row_of[layer] * experts + expert) * table->parts;
}

/* --- roles -------------------------------------------------------------------------------------------- */

/* Ranks whose operations are equal but for numbers. A number that differs between the ranks is a column of
 * the role's table; operation fields refer to columns. */
typedef struct RoleColumn {
    const char *name; /* [a-z0-9_], unique in the role */
    int64_t *values;  /* [ranks of the role] */
} RoleColumn;

/* Fields of an operation that may differ: value of argument i: i; delta: OP_ARGS + i; then these. */
enum { OP_FIELD_CHANNEL = 2 * OP_ARGS, OP_FIELD_EXCHANGE, OP_FIELDS };

typedef struct Role {
    const char *name; /* "attention", "expert", "worker"; [a-z0-9_], unique */
    IntList ranks;    /* ascending; the first one stands for all */
    LIST_OF(RoleColumn) columns;
    int16_t *column_of; /* [ops][OP_FIELDS]: column, or -1: the same in all ranks */
    int64_t slab_bytes, state_offset, state_bytes;
} Role;

/* What a schedule says of a step of its plan. */
typedef struct ScheduleStep {
    const char *name;
    int64_t microbatches;
} ScheduleStep;

enum { SCHEDULE_SCHEMA_VERSION = 2 };

typedef struct Schedule {
    const Plan
        *plan; /* NULL in one that was read from its text, which has what follows and no holdings */
    const char *name; /* of the plan */
    LIST_OF(ScheduleStep) steps;
    int64_t layers, experts, top_k; /* plan_experts and plan_choices: of route tables and rows */
    int64_t row_bytes;              /* of a hidden row */
    RankSchedule *ranks;            /* [world] */
    int64_t world;
    LIST_OF(Channel) channels;
    LIST_OF(Exchange) exchanges;
    LIST_OF(RouteTable) routes;
    LIST_OF(Role) roles;
    int64_t parts; /* of every route table */
} Schedule;

/* Lower a structurally valid plan: holdings, operations, events, roles, memory layout. What the plan leaves
 * uncovered is reported by the check, not here; what cannot be lowered is E052x. */
Status schedule_lower(Arena *arena, const Plan *plan, Schedule *schedule, Diag *diag);

/* Layer that an operation works on at a layer of its segment; -1 for operations outside layers. */
static inline int64_t op_layer(const Op *op, int64_t layer) {
    return op->per_layer ? layer - op->lag : -1;
}

/* Canonical text: by role, literal fields once, the others as columns. Without holdings and what only costs need. */
void schedule_write(const Schedule *schedule, Buf *out);

/* Read it back (read.c), as hostile data: what is accepted is safe to walk, and is written again byte-equal if it was
 * written by schedule_write. Another version is E0590; an id, layer or size outside its table E0591. `name` stands
 * for the file in messages. */
Status schedule_parse(Arena *arena, const char *name, const char *text, size_t length,
                      Schedule *schedule, Diag *diag);

/* Pieces of it, for who writes about one rank: its buffers under "buffers", a range under a key. */
void schedule_write_buffers(Jsonw *json, const RankSchedule *rank);
void schedule_write_range(Jsonw *json, const char *key, Range range);

/* --- transfers (transfers.c; the layout that runtime/rt.h documents) ------------------------------------ */

/* Bytes [begin, end) of pieces of a payload of `units`: piece k of P is units [U k / P, U (k + 1) / P). */
Range channel_bytes(const Channel *channel, Range pieces, int64_t units, int64_t unit_bytes);
/* What must wait in the receiver's workspace: sums, and what would overwrite bytes that it still sends. */
bool channel_waits(const Channel *channel, const ChannelTransfer *transfer);
/* Bytes that wait in a member's workspace during a stage. */
int64_t channel_arrivals(const Channel *channel, int64_t member, int64_t units, int64_t unit_bytes);

/* --- windows of an exchange (the layout that runtime/rt.h documents) ---------------------------------- */

int64_t exchange_source_rows(const Exchange *exchange, int64_t source);
/* Index of a rank among the sources or targets, -1 if it is none. */
int64_t exchange_find_source(const Exchange *exchange, int64_t rank);
int64_t exchange_find_target(const Exchange *exchange, int64_t rank);
/* The most result rows of one source from one target: rows x min(top_k, slots). */
int64_t exchange_return_rows(const Exchange *exchange, int64_t source, int64_t target,
                             int64_t top_k);

/* Does a source send all its rows to a target: for what all tokens pass, where that lies with the experts? */
bool exchange_sends_all(const Schedule *schedule, const Exchange *exchange, int64_t source,
                        int64_t target);
/* Slots of a target that some tokens choose: those of experts. */
int64_t exchange_chosen_slots(const Schedule *schedule, const Exchange *exchange, int64_t target);

/* --- hops of an exchange (hops.c); `back`: of combine ------------------------------------------------- */

/* Where the rows of a hop begin their way, and where they end it. */
int64_t exchange_hop_start(const Exchange *exchange, const ExchangeHop *hop, bool back);
int64_t exchange_hop_end(const Exchange *exchange, const ExchangeHop *hop, bool back);
/* Rows of the window that it moves. */
int64_t exchange_hop_rows(const Exchange *exchange, const ExchangeHop *hop, bool back,
                          int64_t top_k);
/* Rows that a rank passes on, at their bounds; -1: no rank passes any on. */
int64_t exchange_relay_rows(const Exchange *exchange, int64_t rank, bool back, int64_t top_k);

/* --- counters: what the runtime must count, computed from the schedule alone ---------------------------- */

/* Rows and result rows that cross from source to target in one call. For padded exchanges they are bounds
 * whatever the routing; for exact ones the caller gives them. */
typedef struct ExchangeCount {
    int64_t rows, returns;
} ExchangeCount;

/* Gives counts [sources][targets] of an exact exchange at a layer of the `call`-th run of its step. */
typedef void (*ExchangeCounts)(void *context, int64_t exchange, int64_t call, int64_t layer,
                               ExchangeCount *counts);

typedef struct Counters {
    int64_t *operations; /* [world][OP_KINDS] */
    int64_t *bytes;      /* [world from][world to] */
    int64_t *moves;      /* the same by PlanMoveKind, [kinds][world][world]; NULL: not wanted */
    int64_t *weights;    /* [world] resident weight bytes */
} Counters;

/* Add what `calls` runs of a step count (calls numbered from first_call). `counts` may be NULL if no
 * exchange of the step is exact. */
void counters_add_step(const Schedule *schedule, int64_t step, int64_t first_call, int64_t calls,
                       ExchangeCounts counts, void *context, Counters *counters);
Counters counters_begin(Arena *arena, const Schedule *schedule); /* zeros, and the weights */
