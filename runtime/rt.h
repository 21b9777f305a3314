/* rt: all that an emitted program sees of the runtime. A program is one constant rt_program: tables and
 * a function per role and step, which calls the operations below in schedule order. The runtime holds
 * no globals, parses no YAML, JSON or Lua, and knows no model, strategy or kernel.
 *
 * Every operation names its id in the role's table of operations, so that a failure, the trace and the
 * counters can name it, and the layer it works on (-1: none). */
#pragma once

#include "rt_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rt_status {
    RT_OK = 0,
    RT_ABORTED = 1, /* another rank failed first */
    RT_USAGE = 2,
    RT_DATA = 65, /* a bad file; ids outside the vocabulary */
    RT_NOINPUT = 66,
    RT_UNAVAILABLE = 69, /* memory or a device is missing */
    RT_SOFTWARE = 70,    /* our bug: sizes disagree between ranks, non-finite logits */
    RT_CANTCREAT = 73,
    RT_TIMEOUT = 75, /* a peer was killed or made no progress within the limit */
} rt_status;

/* Return the status of a call to the caller unless it is RT_OK. */
#define RT_TRY(call)                                                                               \
    do {                                                                                           \
        rt_status rt_try_ = (call);                                                                \
        if (rt_try_ != RT_OK)                                                                      \
            return rt_try_;                                                                        \
    } while (0)

/* The context of one rank: slab, transport, counters, trace. */
typedef struct rt_rank rt_rank;

/* --- tables of a program ---------------------------------------------------------------------------- */

/* One operation of a role. Waits name operations whose most recent record on another stream must be
 * complete; the host runs in file order, which satisfies them. */
typedef struct rt_op {
    const char *kind;   /* "linear", "dispatch", ... */
    const char *part;   /* "attention", ... */
    int16_t kind_index; /* into rt_program.kinds */
    int16_t microbatch;
    int8_t stream;
    bool records;           /* some other operation waits for this one */
    int16_t waits[6];       /* operation ids, -1 ends */
    const char *provenance; /* lowering rule and planner line */
} rt_op;

/* Pieces [begin, end) from one member of a channel to another, by index: copied, or added to what it has. */
typedef struct rt_transfer_item {
    int32_t from, to;
    int32_t begin, end;
    bool sum;
} rt_transfer_item;

/* A communicator. Member i of a collective owns pieces [own[2 i], own[2 i + 1]) of `pieces`; a stage of
 * transfers lists them instead. */
typedef struct rt_channel {
    const char *name;
    int32_t members;
    const int32_t *ranks; /* [members] ascending */
    int32_t pieces;
    const int32_t *own; /* [members][2]; NULL for exchanges and transfers */
    int32_t transfers;
    const rt_transfer_item *transfer; /* [transfers], or NULL */
} rt_channel;

/* Who sends how much to whom in dispatch (sources to targets) and combine (back). Source s owns `rows` rows
 * of the micro-batch; target t holds `slots` expert parts. A source sends a row at most once to a target
 * and gets back at most min(top_k, slots) rows for it. */
typedef struct rt_end {
    int32_t rank;
    int32_t count; /* rows of a source, slots of a target */
} rt_end;

/* What goes between a source and a target, on a part of its way: from a rank to another in a stage. */
typedef struct rt_hop {
    int32_t stage, from, to;
    int32_t source, target; /* by index */
} rt_hop;

typedef struct rt_exchange {
    const char *name;
    int32_t sources, targets;
    const rt_end *source; /* [sources] ascending ranks */
    const rt_end *target; /* [targets] ascending ranks */
    int32_t top_k;
    bool exact;         /* counts first, then as many rows; else windows of full size */
    int32_t chunk;      /* rows a transfer; 0: all */
    int32_t in_flight;  /* transfers a pair may have unreceived */
    int32_t row_bytes;  /* one hidden row */
    int32_t meta_bytes; /* per row in dispatch: top_k slot numbers, int32 each, -1: not here */
    /* Ways in stages, ascending, of dispatch and of combine; without, every pair is direct and all go at once. A
     * rank that passes on has room for whole windows, in the order of the list; exact ones pass nothing on. */
    int32_t there_hops, back_hops;
    const rt_hop *there, *back;
} rt_exchange;

/* A slice of a tensor that a rank holds; per-layer tensors stand for layers [layer_begin, layer_end). */
typedef enum rt_fill { RT_FILL_UNIFORM, RT_FILL_ONE, RT_FILL_ZERO } rt_fill;
typedef struct rt_weight {
    const char *name;                       /* with {layer} and {expert} to be replaced */
    int32_t layer_begin, layer_end, expert; /* -1, -1, -1: not per layer; expert -1: none */
    int64_t rows, columns;                  /* of the whole tensor */
    int64_t row_begin, row_end, column_begin, column_end;
    int64_t offset;       /* bytes in the slab of the first element at layer_begin */
    int64_t layer_stride; /* bytes between layers */
    int64_t pitch;        /* elements between rows in the slab */
    rt_type type;         /* in the slab */
    rt_fill fill;         /* without a checkpoint */
} rt_weight;

typedef struct rt_place {
    int32_t role, index; /* row of the role's table */
    int32_t node, gpu;
    const rt_weight *weights;
    int32_t weight_count;
} rt_place;

/* What the topology says of a node: its GPUs, how they reach each other, and its NICs; GPU g has NIC g nics / gpus. Rates
 * are bytes per second and direction, of a GPU or a NIC. */
typedef struct rt_node {
    int32_t gpus, nics;
    double link_rate, link_seconds, nic_rate;
} rt_node;

typedef struct rt_role {
    const char *name;
    int64_t slab_bytes;
    int64_t zero_offset, zero_bytes; /* persistent state (KV cache) cleared before each wave */
    const rt_op *ops;
    int32_t op_count;
} rt_role;

typedef rt_status (*rt_step_fn)(rt_rank *rank);

typedef struct rt_step {
    const char *name;      /* "prefill", "decode" */
    bool decode;           /* one token a sequence at its next position; else the prompt */
    bool captured;         /* does the same each time: may be recorded once and replayed */
    int32_t tokens;        /* rows a sequence */
    const rt_step_fn *run; /* [roles] */
} rt_step;

typedef rt_status (*rt_kernel_fn)(rt_rank *rank, const void *args);

/* What a record of calls must know of a kernel: `longs` int64_t arguments, then `ints` int32_t. */
typedef struct rt_kernel_args {
    int32_t kind_index;
    int32_t longs, ints;
} rt_kernel_args;

/* Numbers that only kernels read, so that a record can hold them: `count` of `bytes` each (2, 4, 8), signed. */
typedef struct rt_table {
    const char *name;
    const void *numbers;
    int64_t count;
    int32_t bytes;
} rt_table;

/* Code for devices: made ahead for some architectures, or its source, to be compiled on the machine that runs it. */
typedef struct rt_source {
    const char *name;        /* as #include names it; of the first: as messages do */
    const char *begin, *end; /* a 0 lies at the end */
} rt_source;
typedef struct rt_module {
    int32_t functions, architectures, sources;
    const char *const *function;              /* [functions] names of its kernels */
    const int32_t *architecture;              /* [architectures] 80: sm_80; 90: sm_90a */
    const unsigned char *binary, *binary_end; /* of all architectures; NULL: there are sources */
    const rt_source *source;                  /* [sources] the first includes the others */
} rt_module;

typedef struct rt_program {
    int32_t abi;                         /* RT_ABI_VERSION */
    const char *name, *version, *digest; /* plan digest: 16 hex digits */
    const char *schedule, *certificate;  /* digests of schedule.json and certificate.json, alike */
    int32_t world, roles, steps, channels, exchanges, kinds, kernels, streams;
    const rt_place *places; /* [world] */
    const rt_role *role;    /* [roles] */
    const rt_step *step;    /* [steps] */
    const rt_channel *channel;
    const rt_exchange *exchange;
    const char *const *kind;           /* names of operation kinds */
    const rt_kernel_fn *kernel;        /* launch table: the one thing that differs by target */
    const rt_kernel_args *kernel_args; /* [kernels] */
    const char *const *stream;         /* [streams] names */
    const bool
        *urgent; /* [streams] goes before the others where both could run: peers wait for it */
    const rt_module *module; /* code for devices; without functions: kernels are the host's */
    int32_t tables;
    const rt_table *table;
    int32_t nodes;
    const rt_node *node;                        /* [nodes] of rt_place.node */
    double network_seconds;                     /* from NIC to NIC */
    int32_t batch, prompt, context, vocabulary; /* bounds of a wave; entries */
    int32_t candidates; /* likeliest entries that a choice may be cut down to; 1: none */
    int32_t copies;     /* sequence s of a wave belongs to copy s / ceil(batch / copies) */
    rt_type type;       /* of activations */
    float initializer_range;
} rt_program;

/* Row of the calling rank in its role's table (rt_place.index). */
int32_t rt_role_index(const rt_rank *rank);

/* --- operations --------------------------------------------------------------------------------------- */

/* Run a kernel of the launch table. `args` is the struct of that kernel, from the program's ops.h. */
rt_status rt_launch(rt_rank *rank, int op, int layer, int kernel, const void *args);

/* Collectives over a channel, in place at slab offset `buffer`, which holds `units` units of `unit_bytes`.
 * Piece k of P is the units [units k / P, units (k + 1) / P). Sums are taken in rank order in float32 and
 * rounded to `type` once. */
typedef struct rt_collective {
    int64_t buffer, units, unit_bytes;
    rt_type type;
} rt_collective;
rt_status rt_all_reduce(rt_rank *rank, int op, int layer, int channel, const rt_collective *args);
rt_status rt_reduce_scatter(rt_rank *rank, int op, int layer, int channel,
                            const rt_collective *args);
rt_status rt_all_gather(rt_rank *rank, int op, int layer, int channel, const rt_collective *args);

/* The transfers of the channel, all at once: what is sent is what was there before any of them. Sums are taken
 * in float32 in the order of the list and rounded to `type` after each. Before anything that it still sends
 * would change, what a rank receives waits in its workspace, `arrivals` bytes: room for all sums and for copies
 * over pieces that it sends. */
typedef struct rt_transfer_args {
    int64_t buffer, units, unit_bytes;
    int64_t workspace, arrivals; /* slab offset, bytes */
    rt_type type;
} rt_transfer_args;
rt_status rt_transfer(rt_rank *rank, int op, int layer, int channel, const rt_transfer_args *args);

/* One transfer between the two ranks of a channel: rt_send on one, rt_recv of as many bytes on the other. Both
 * return when the buffer is free to be used. */
typedef struct rt_pair_args {
    int64_t buffer, bytes; /* slab offset */
} rt_pair_args;
rt_status rt_send(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args);
rt_status rt_recv(rt_rank *rank, int op, int layer, int channel, const rt_pair_args *args);

/* Dispatch: sources push packed rows to targets. All are slab offsets; a rank that is only a source
 * or only a target passes -1 for the other side. In a source, the rows for target j begin at row
 * j x rows (padded) or at the sum of counts before j (exact). In a target, the rows of source i begin
 * at the sum of `rows` bounds before i. Meta lies likewise.  */
typedef struct rt_dispatch_args {
    int64_t send_rows, send_meta, send_counts; /* counts int32 [targets] */
    int64_t recv_rows, recv_meta, recv_counts; /* counts int32 [sources] */
    int64_t relay_rows, relay_meta;            /* what is passed on, -1: nothing is */
} rt_dispatch_args;
rt_status rt_dispatch(rt_rank *rank, int op, int layer, int channel, int exchange,
                      const rt_dispatch_args *args);

/* Combine: targets send result rows back. In a target, the rows for source i begin at the sum over i' < i of
 * rows x min(top_k, slots). In a source, the rows from target j begin at the sum over j' < j of
 * rows x min(top_k, slots of j') (padded) or of the counts before j (exact). The source knows the
 * counts from packing; a target that disagrees is RT_SOFTWARE. */
typedef struct rt_combine_args {
    int64_t send_rows, send_counts; /* int32 [sources] */
    int64_t recv_rows, recv_counts; /* int32 [targets], input */
    int64_t relay_rows;             /* as in dispatch */
} rt_combine_args;
rt_status rt_combine(rt_rank *rank, int op, int layer, int channel, int exchange,
                     const rt_combine_args *args);

/* Fill token ids and positions of a micro-batch from the request table: int32 [sequences x tokens] each,
 * sequence-major; sequences [first, first + sequences) of the wave. A row past the end of its sequence,
 * or of an absent one, gets id 0 and position -1: it is masked everywhere. A rank that needs no ids, or no
 * positions, passes -1 for them. */
typedef struct rt_begin_args {
    int64_t ids, positions;
    int32_t first, sequences, tokens;
} rt_begin_args;
rt_status rt_begin(rt_rank *rank, int op, int layer, const rt_begin_args *args);

/* Take the chosen next tokens, int32 [sequences], into the request table. `report`: this rank also
 * writes them to the results. */
typedef struct rt_finish_args {
    int64_t next;
    int32_t first, sequences, report;
} rt_finish_args;
rt_status rt_finish(rt_rank *rank, int op, int layer, const rt_finish_args *args);

/* --- for kernels -------------------------------------------------------------------------------------- */

/* Address of a slab offset. */
void *rt_at(const rt_rank *rank, int64_t offset);

/* The vectors that kernels are to use: the widest of this processor, or fewer where the user wants so. Each level
 * has those before it. */
typedef enum rt_vectors { RT_VECTORS_PLAIN, RT_VECTORS_AVX2, RT_VECTORS_AVX512 } rt_vectors;
rt_vectors rt_vectors_of(const rt_rank *rank);

/* Call `part` for ranges that make up [0, count), each but the last a multiple of `grain` long, by the threads that
 * this rank has; back when all are done. What comes out must not depend on where ranges begin. To be called by the
 * kernel's own thread only; a part calls nothing of the runtime but rt_at. */
typedef void (*rt_part_fn)(const void *context, int64_t begin, int64_t end);
void rt_parallel(rt_rank *rank, int64_t count, int64_t grain, rt_part_fn part, const void *context);

/* Where the logits of this wave's sequence at this prompt position go: float32 [vocabulary], or NULL when
 * logits are not wanted, the step is not a prefill, or the row is masked. */
float *rt_logits_row(rt_rank *rank, int32_t sequence, int32_t position);
bool rt_wants_logits(const rt_rank *rank);

/* How next tokens are chosen: at temperature 0 the entry of the largest logit; else by chance, of the top_k likeliest (0:
 * all), and of these of the likeliest that have the share top_p of the probability (1: all). */
typedef struct rt_choice {
    double temperature, top_p;
    int32_t top_k; /* at most rt_program.candidates */
} rt_choice;
const rt_choice *rt_choice_of(const rt_rank *rank);

/* Key of the noise for the token that this sequence of the wave gets in this step, and an entry's noise: the entry with
 * the largest logit / temperature + noise is a draw. */
uint64_t rt_choice_key(const rt_rank *rank, int32_t sequence);
double rt_choice_noise(uint64_t key, int32_t entry);

/* Record a failure of this rank with a message and return `status`. */
rt_status rt_fail(rt_rank *rank, rt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- the program -------------------------------------------------------------------------------------- */

/* main of every emitted program: the verbs run, verify, bench, measure, info (see docs/runtime.md). */
int rt_main(const rt_program *program, int argc, char **argv);
