/* mutate_args: operators over what an operation is and works on: arguments, numbers, kind, layer, channel. On one rank,
 * on all of its role, or on the like operation of every rank. */
#include "mutate_ops.h"

#include <string.h>

/* --- arguments ---------------------------------------------------------------------------------------- */

static ArgType arg_type(const Op *op, int64_t arg) {
    for (int i = 0; i <= arg; ++i)
        if (op_info[op->kind].args[i].type == ARG_NONE)
            return ARG_NONE;
    return op_info[op->kind].args[arg].type;
}

static bool is_buffer(const Op *op, int64_t arg) {
    return arg_type(op, arg) != ARG_NONE && arg_type(op, arg) != ARG_INT &&
           op->args[arg].value >= 0;
}

enum { OTHERS = 4 };

/* Another buffer of the same class and step: the n-th behind, around. */
static bool edit_buffer(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    int64_t arg = variant / OTHERS, n = variant % OTHERS;
    const RankSchedule *at = &m->schedule->ranks[rank];
    if (!is_buffer(of, arg))
        return false;
    const Buffer *is = &at->buffers.items[of->args[arg].value];
    for (int64_t i = 1; i < at->buffers.count; ++i) {
        int64_t other = (of->args[arg].value + i) % at->buffers.count;
        const Buffer *to = &at->buffers.items[other];
        if (to->class != is->class || to->step != is->step || to->bytes < is->bytes || n-- > 0)
            continue;
        if (apply)
            of->args[arg].value = other;
        return true;
    }
    return false;
}

/* The buffer of the same name of another micro-batch. */
static int64_t sister(const Mutant *m, int64_t rank, int64_t buffer) {
    const RankSchedule *at = &m->schedule->ranks[rank];
    const Buffer *is = &at->buffers.items[buffer];
    const char *end = strrchr(is->name, '_');
    for (int64_t i = 0; end && i < at->buffers.count; ++i) {
        const char *name = at->buffers.items[i].name, *last = strrchr(name, '_');
        if (i != buffer && last && end[1] == 'm' && last[1] == 'm' &&
            end - is->name == last - name && strncmp(name, is->name, (size_t)(last - name)) == 0)
            return i;
    }
    return -1;
}

static bool edit_sister(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    if (!is_buffer(of, variant) || sister(m, rank, of->args[variant].value) < 0)
        return false;
    if (apply)
        of->args[variant].value = sister(m, rank, of->args[variant].value);
    return true;
}

/* All its buffers. */
static bool edit_sisters(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    bool any = false;
    for (int a = 0; a < OP_ARGS; ++a)
        any = edit_sister(m, rank, op, a, apply) || any;
    return any;
}

static bool edit_absent(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    if (!is_buffer(of, variant))
        return false;
    if (apply)
        of->args[variant] = (OpValue){-1, 0};
    return true;
}

/* A row, an element or a page on or back. */
static bool edit_delta(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    int64_t row = m->plan->inputs.model.hidden * element_bytes(m->plan->inputs.workload.dtype);
    const int64_t by[] = {row, -row, 4, -4};
    int64_t arg = variant / 4;
    if (!is_buffer(of, arg) || of->args[arg].delta + by[variant % 4] < 0)
        return false;
    if (apply)
        of->args[arg].delta += by[variant % 4];
    return true;
}

static bool edit_number(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    int64_t arg = variant / 3, has = of->args[arg].value;
    const int64_t to[] = {has + 1, has - 1, 0};
    if (arg_type(of, arg) != ARG_INT || to[variant % 3] < 0 || to[variant % 3] == has)
        return false;
    if (apply)
        of->args[arg].value = to[variant % 3];
    return true;
}

/* What a program's table of 32 bits would hold is the old number. */
static bool edit_past(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    if (arg_type(of, variant) != ARG_INT || walk_is_move(of))
        return false;
    if (apply)
        of->args[variant].value += INT64_C(1) << 32;
    return true;
}

/* Two buffers that the operation has change places. */
static bool edit_swap_args(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    int64_t a = variant / OP_ARGS, b = variant % OP_ARGS;
    if (a >= b || !is_buffer(of, a) || !is_buffer(of, b) || of->args[a].value == of->args[b].value)
        return false;
    if (apply)
        MUTATE_SWAP(OpValue, of->args[a], of->args[b]);
    return true;
}

static void buffer(Mutant *m) {
    mutate_each_op(m, OP_ARGS * OTHERS, edit_buffer);
}
static void past(Mutant *m) {
    mutate_each_op(m, OP_ARGS, edit_past);
}
static void stale(Mutant *m) {
    mutate_each_op(m, OP_ARGS, edit_sister);
}
static void other_microbatch(Mutant *m) {
    mutate_each_op(m, 1, edit_sisters);
}
static void absent(Mutant *m) {
    mutate_each_op(m, OP_ARGS, edit_absent);
}
static void delta(Mutant *m) {
    mutate_each_op(m, OP_ARGS * 4, edit_delta);
}
static void number(Mutant *m) {
    mutate_each_op(m, OP_ARGS * 3, edit_number);
}
static void swap_args(Mutant *m) {
    mutate_each_op(m, OP_ARGS * OP_ARGS, edit_swap_args);
}

/* --- what the operation is ---------------------------------------------------------------------------- */

static bool edit_lag(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        mutate_op(m, rank, op)->lag += variant ? 1 : -1;
    return mutate_op(m, rank, op)->per_layer;
}
static bool edit_per_layer(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        mutate_op(m, rank, op)->per_layer = !mutate_op(m, rank, op)->per_layer;
    return true;
}
static bool edit_microbatch(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        mutate_op(m, rank, op)->microbatch += variant ? 1 : -1;
    return true;
}
static bool edit_part(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    if (apply)
        mutate_op(m, rank, op)->part =
            (mutate_op(m, rank, op)->part + 1 + variant) % (PART_TOKENS + 1);
    return true;
}

/* Another collective, the other end of a pair, the other half of an exchange. */
static bool edit_kind(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    static const OpKind others[][2] = {{OP_all_reduce, OP_all_gather},
                                       {OP_all_reduce, OP_reduce_scatter},
                                       {OP_all_gather, OP_all_reduce},
                                       {OP_all_gather, OP_reduce_scatter},
                                       {OP_reduce_scatter, OP_all_gather},
                                       {OP_reduce_scatter, OP_all_reduce},
                                       {OP_send, OP_recv},
                                       {OP_recv, OP_send},
                                       {OP_rope_append, OP_append}};
    Op *of = mutate_op(m, rank, op);
    if (variant >= (int64_t)(sizeof others / sizeof *others) ||
        of->kind != (int64_t)others[variant][0])
        return false;
    if (apply)
        of->kind = others[variant][1];
    return true;
}

/* Another channel of the same sort that the rank is a member of. */
static bool edit_channel(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    if (!walk_is_move(of))
        return false;
    const Channel *is = &m->schedule->channels.items[of->channel];
    for (int64_t c = 0, n = variant; c < m->schedule->channels.count; ++c) {
        const Channel *to = &m->schedule->channels.items[c];
        bool member = false;
        for (int64_t i = 0; i < to->ranks.count; ++i)
            member = member || to->ranks.items[i] == rank;
        if (c == of->channel || !member || to->is_exchange != is->is_exchange ||
            to->is_pair != is->is_pair || n-- > 0)
            continue;
        if (apply) {
            of->channel = c;
            of->stream = to->stream;
        }
        return true;
    }
    return false;
}

static bool edit_exchange(Mutant *m, int64_t rank, int64_t op, int64_t variant, bool apply) {
    Op *of = mutate_op(m, rank, op);
    int64_t to = of->exchange + (variant ? 1 : -1);
    if (of->exchange < 0 || to < 0 || to >= m->schedule->exchanges.count)
        return false;
    if (apply)
        of->exchange = to;
    return true;
}

static void lag(Mutant *m) {
    mutate_each_op(m, 2, edit_lag);
}
static void per_layer(Mutant *m) {
    mutate_each_op(m, 1, edit_per_layer);
}
static void microbatch(Mutant *m) {
    mutate_each_op(m, 2, edit_microbatch);
}
static void part(Mutant *m) {
    mutate_each_op(m, PART_TOKENS, edit_part);
}
static void kind(Mutant *m) {
    mutate_each_op(m, 9, edit_kind);
}
static void channel(Mutant *m) {
    mutate_each_op(m, 3, edit_channel);
}
static void exchange(Mutant *m) {
    mutate_each_op(m, 2, edit_exchange);
}

static const MutantOperator operators[] = {
    {"arg-buffer", "an argument is another buffer of its class", buffer,
     "scratch as large as the other, or a buffer that holds the same"},
    {"arg-stale", "an argument is the buffer of another micro-batch, such as its counts", stale,
     "the windows of the other micro-batch hold nothing then, in all that use them"},
    {"arg-microbatch", "all arguments are those of another micro-batch", other_microbatch, NULL},
    {"arg-absent", "an argument is absent", absent, "scratch of which the kernel needs no byte"},
    {"arg-delta", "an argument begins a row or an element off", delta,
     "scratch of which the kernel needs no byte, or a rank without rows"},
    {"arg-number", "a number is one off or 0, such as a collective's size", number,
     "how a kernel computes the same, or a payload whose units divide otherwise"},
    {"arg-past", "a number is past what a program holds, and cut off would be right", past, NULL},
    {"arg-swap", "two arguments change places", swap_args, NULL},
    {"op-lag", "an operation works on a layer too early or too late", lag, NULL},
    {"op-per-layer", "an operation of a layer is outside layers, or the reverse", per_layer, NULL},
    {"op-microbatch", "an operation belongs to another micro-batch", microbatch, NULL},
    {"op-part", "an operation belongs to another part", part,
     "the parts share the kind: it is named otherwise to people"},
    {"op-kind", "a collective of another kind, or the other end of a pair", kind, NULL},
    {"op-channel", "a move is on another channel of the rank", channel,
     "the channel has the same members, pieces and sort"},
    {"op-exchange", "a move or kernel is of another exchange", exchange, NULL},
};

const MutantTable mutate_args_table = {OF_SCHEDULE, operators,
                                       sizeof operators / sizeof *operators};
