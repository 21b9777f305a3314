/* lower: what the files of lowering share. Lowering walks each rank's order, part by part, and writes
 * operations whose buffers are named on first use. One file a part; holdings and moves beside. */
#pragma once

#include "schedule/place.h"
#include "schedule/schedule.h"

typedef struct Lower {
    Arena *arena;
    const Plan *plan;
    const Model *model;
    Schedule *schedule;
    Diag *diag;
    Place *places;     /* [world] */
    int64_t element;   /* bytes of an activation or weight */
    int64_t row_bytes; /* of a hidden row */
    /* [step][move] -> [copy x sets + set], sets numbered stage by stage; of exchanges [copy x stages + stage] */
    int64_t ***channel_ids;
    int64_t *
        first_exchange; /* [step x stages + stage]: by copy, micro-batch, then member where local */
    int64_t *route_of;  /* [world] route table of a source, -1: none */
    /* [stage] Holders of experts that are the members of the stage's only request group have every row each:
     * nothing is dispatched, and what is combined is a sum over the group. */
    bool *coincide;
    int64_t *replicas; /* [stages][experts] the most of any layer; 0: none is held */
} Lower;

/* The buffers of a rank by name: those of a step and micro-batch, and persistent ones (both -1). A hash table. */
typedef struct LowerName {
    const char *name; /* NULL: free */
    int64_t step, microbatch, buffer;
} LowerName;

typedef struct LowerNames {
    LowerName *slots; /* [capacity], a power of two */
    int64_t count, capacity;
} LowerNames;

/* Lowering one rank: where we are in its order, and the buffers that all parts use. */
typedef struct LowerRank {
    Lower *lower;
    RankSchedule *rank;
    const Place *place;
    const PlanStep *step;
    int64_t step_index, part, microbatch, lag;
    bool per_layer;
    LowerNames names;
    bool dense;     /* the layers at hand have a dense feed-forward, no experts */
    int64_t window; /* positions that their queries see; 0: all */
} LowerRank;

/* --- lower.c --- */

/* A buffer of this step and micro-batch, made on first use: rows x columns of `type` ("E": the element type,
 * "i32", "f32"). */
int64_t lower_activation(LowerRank *at, const char *name, BufferClass class, const char *type,
                         int64_t rows, int64_t columns);
/* A buffer that outlives steps: weights and state; per_layer ones have a copy a layer. */
int64_t lower_persistent(LowerRank *at, const char *name, BufferClass class, const char *shape,
                         int64_t bytes, bool per_layer);
/* The same with a copy for each of these layers of the stage. */
int64_t lower_persistent_layers(LowerRank *at, const char *name, BufferClass class,
                                const char *shape, int64_t bytes, Range layers);
/* A persistent buffer that must be there already. */
int64_t lower_find(const LowerRank *at, const char *name);

/* A new operation at the current place of the order, on the compute stream, all buffers absent. */
Op *lower_op(LowerRank *at, OpKind kind, const char *rule);
void op_int(Op *op, const char *argument, int64_t value);
void op_buffer(Op *op, const char *argument, int64_t buffer, int64_t delta);
/* A workspace of the rank, sized after lowering for the operation that needs most. Kernels share "workspace";
 * moves have their own, so that they need not wait for kernels on other streams. */
void op_workspace(LowerRank *at, Op *op, const char *name);

/* A workspace for this argument, of at least so many bytes. */
void op_room(LowerRank *at, Op *op, const char *argument, const char *name, int64_t bytes);

int64_t lower_type_bytes(const Lower *lower, const char *type);

/* Residual stream of the micro-batch, E [rows][hidden]: with a sharded residual only the owned rows are
 * ever valid. Chosen tokens, i32 [sequences]. */
int64_t lower_residual(LowerRank *at);
int64_t lower_next(LowerRank *at);

/* Sequences, rows and owned rows of the current micro-batch of the rank's group. */
int64_t lower_sequences(const LowerRank *at);
int64_t lower_rows(const LowerRank *at);
Range lower_owned(const LowerRank *at);
/* Do the holders of experts coincide in the stage of this rank? */
bool lower_coincides(const LowerRank *at);
/* Rows that this rank routes: those that it owns, or all where the holders of experts coincide. */
Range lower_routed(const LowerRank *at);
/* First sequence of the current micro-batch within the wave. */
int64_t lower_first_sequence(const LowerRank *at);
bool lower_sharded(const LowerRank *at);

/* --- lower_attention.c, lower_experts.c, lower_head.c --- */

Status lower_embed(LowerRank *at);
Status lower_attention(LowerRank *at);
/* lower_latent.c: projections and attention of latent keys and values, from normed rows to `mixed`. */
void lower_latent_heads(LowerRank *at, int64_t normed, int64_t mixed);
void lower_linear(LowerRank *at, int64_t in, const char *weight, const char *bias, int64_t out,
                  int64_t inputs, int64_t outputs, const char *rule);
int64_t lower_positions(LowerRank *at);
/* Rows of the cache that the queries of a step read at the bounds, summed over its rows. */
double lower_attended(const LowerRank *at);
/* lower_ffn.c: the rows that experts and feed-forwards need, normed, E [lower_ffn_rows][hidden]; the norm itself; the
 * layer's feed-forward that all tokens pass, from there into the residual. */
int64_t lower_ffn_in(LowerRank *at);
Range lower_ffn_rows(const LowerRank *at);
Status lower_ffn_norm(LowerRank *at);
/* Is there a feed-forward beside the experts that members of the group do themselves? */
bool lower_shares(const LowerRank *at);
/* The matrices of a feed-forward as arguments: persistent buffers `kind`_up and so on. */
void lower_ffn_weights(LowerRank *at, Op *op, const char *kind, bool gated, bool biases);
Status lower_ffn(LowerRank *at);
/* Packing of the owned rows `normed` by their `choice`, the end of the attention part. */
Status lower_pack(LowerRank *at, int64_t normed, int64_t choice);
Status lower_dispatch(LowerRank *at);
Status lower_experts(LowerRank *at);
Status lower_combine(LowerRank *at);
Status lower_head(LowerRank *at);
/* lower_stage.c */
Status lower_receive(LowerRank *at);
Status lower_send(LowerRank *at);
Status lower_tokens(LowerRank *at);
/* RMS or layer norm, as the model says, of rows [rows.begin, rows.end) of `in` to rows of `out` from
 * `out_first` on. `weight` names the persistent buffer; its bias is `weight`_bias. */
void lower_norm(LowerRank *at, const char *weight, int64_t in, int64_t out, Range rows,
                int64_t out_first, const char *rule);

/* --- lower_routes.c --- */

/* Route tables of all sources; `coincide` must be known. */
void lower_routes(Lower *lower);

/* --- lower_moves.c --- */

/* Channels, exchanges and route tables of all steps. */
Status lower_moves(Lower *lower);
/* The stages of a group's move over `buffer`. `row_units`, `row_bytes`: the payload in rows; a move by
 * elements counts elements of the activations instead. Nothing for a group of one. */
Status lower_collective(LowerRank *at, PlanMoveKind kind, int64_t buffer, int64_t row_units,
                        int64_t row_bytes, const char *rule);
/* The channel of two ranks for hand-over. */
int64_t lower_pair_channel(Lower *lower, const PlanMove *move, int64_t a, int64_t b);
/* The exchange of the current step and micro-batch. */
int64_t lower_exchange(const LowerRank *at);
const PlanMove *lower_find_move(const PlanStep *step, PlanMoveKind kind, int64_t group);

/* --- holdings.c --- */

/* Weight buffers and holdings of a rank, and its KV cache. */
Status lower_holdings(LowerRank *at);

/* --- after lowering --- */

void schedule_fold(Arena *arena, Schedule *schedule);   /* fold.c: roles and their tables */
void schedule_layout(Arena *arena, Schedule *schedule); /* memory.c: offsets, by role */
void schedule_capture(Schedule *schedule);              /* capture.c: steps that can be replayed */
void schedule_events(Arena *arena, Schedule *schedule); /* events.c: waits across streams */
