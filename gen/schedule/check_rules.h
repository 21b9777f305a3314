/* check_rules: what the files of the checker share: the context of a proof, how a rule refuses,
 * and which bytes an argument of an operation touches. Private to gen/schedule/check*.c. */
#pragma once

#include "schedule/check.h"
#include "schedule/walk.h"

/* Of an exchange: rows of all sources; result rows that one row may have, over all targets. */
typedef struct CheckExchange {
    int64_t rows, returns;
} CheckExchange;

enum { CHECK_NAMED = 2 };

typedef struct Check {
    const Schedule *schedule;
    const Plan *plan;
    const Model *model;
    CheckReport *report;
    Diag *diag;
    Arena *scratch;  /* of this proof */
    int64_t element; /* bytes of an activation */
    const CheckExchange *exchanges;
    int64_t *exchange_of; /* [world][micro-batches of all steps] see check_exchange_of */
    int64_t *first_of; /* [steps] its first micro-batch there; behind the last step their number */
    /* Operations that check_where has named since the last failure, to tell where they come from. */
    struct {
        int64_t rank, step, op;
    } named[CHECK_NAMED];
    int64_t named_count;
    bool flat;   /* every layer is gone through, see check_schedule_flat */
    int **moved; /* [roles][ops] kind of the value that a collective moves, by check_flow */
} Check;

/* Count `n` more things that a rule looked at. */
void check_count(Check *check, CheckRuleId rule, int64_t n);
/* Refuse. The first failures of each rule become diagnostics, all are counted. `help` may be
 * NULL. */
void check_fail(Check *check, CheckRuleId rule, const char *help, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* "rank 3, step decode, layer 2, micro-batch 0: op 17 all_reduce" in scratch; layer -1 is left
 * out. */
const char *check_where(Check *check, int64_t rank, int64_t step, WalkItem item);

/* Let the next failure tell where this operation comes from, as it does of those that check_where is asked for. */
void check_name(Check *check, int64_t rank, int64_t step, int64_t op);
/* "op 17 of rank 3 is steps[0].orders[0].loops[1].items[2] by lower_experts.c: ..." in scratch. */
const char *check_origin(Check *check, int64_t rank, int64_t step, int64_t op);

static inline const Op *check_op(const Check *check, int64_t rank, int64_t op) {
    return &check->schedule->ranks[rank].ops.items[op];
}
/* Does what all tokens pass lie among the experts? */
static inline bool check_serves_shared(const Check *check) {
    return check->schedule->experts > check->model->experts;
}
static inline int64_t check_arg(const Op *op, const char *name) {
    return op->args[op_arg((OpKind)op->kind, name)].value;
}

/* The request group of a rank (first copy's numbers), or NULL; *base: first rank of its copy;
 * *stage may be NULL. */
const PlanGroup *check_group(const Check *check, int64_t rank, int64_t *base,
                             const PlanStage **stage);

/* The stage of a rank, whether it does attention or holds experts; NULL if it is in none. */
const PlanStage *check_stage(const Check *check, int64_t rank);

/* Index of a rank among the sources or targets of an exchange, -1 if it is none. */
int64_t check_source(const Exchange *exchange, int64_t rank);
int64_t check_target(const Exchange *exchange, int64_t rank);

/* The exchange of a rank in a step and micro-batch, as source or as target; -1 if there is none. */
int64_t check_exchange_of(const Check *check, int64_t rank, int64_t step, int64_t microbatch);

/* Bytes from its delta on that an argument touches at most, for all values of routed counts; -1
 * if the operation cannot be told (a rank that is no end of the exchange). `step` of the
 * operation. */
int64_t check_argument_bytes(const Check *check, int64_t rank, int64_t step, const Op *op, int arg);

CheckExchange *check_exchange_sums(Check *check);
void check_index_exchanges(Check *check); /* for check_exchange_of */

/* The n-th tensor kind that an argument may take its weights from, -1 if there is no (further)
 * one. */
int64_t check_weight_tensor(const Op *op, const char *argument, int n);

static inline bool range_overlap(Range a, Range b) {
    return a.begin < b.end && b.begin < a.end;
}
static inline bool range_has(Range range, int64_t value) {
    return range.begin <= value && value < range.end;
}
static inline int64_t range_length(Range range) {
    return range.end - range.begin;
}

/* --- rules, one file each --- */

/* Who lacks or doubles a tensor breaks this rule. */
CheckRuleId check_tensor_rule(int64_t tensor);
void check_primaries(Check *check, int64_t copy);

bool check_ids(Check *check);       /* false: nothing else can be looked at */
void check_table_ids(Check *check); /* part of check_ids */
bool check_part(const Op *op);      /* likewise: a part of an order that its kind belongs to */
void check_tables(Check *check);
void check_planned(Check *check);
void check_flow(Check *check); /* before check_moves, which asks for what is moved */
void check_coverage(Check *check);
void check_routes(Check *check);
void check_weights(Check *check);
void check_shares(Check *check);
void check_work(Check *check);
void check_capture(Check *check);
void check_moves(Check *check);
void check_hops(Check *check); /* part of check_moves */
void check_bounds(Check *check);
void check_numbers(Check *check);
void check_lifetimes(Check *check);
void check_memory(Check *check);

/* --- provenance, driven by the walk of check_moves --- */

typedef struct Provenance Provenance;
Provenance *provenance_begin(Check *check, int64_t step);
void provenance_local(Provenance *provenance, int64_t rank, WalkItem item);
void provenance_meet(Provenance *provenance, const WalkMeeting *meeting);
/* Do the rank's buffers hold what they held when it was last asked? */
bool provenance_recurs(Provenance *provenance, int64_t rank);
