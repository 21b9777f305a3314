/* read_roles: see read_roles.h. The first rank of a role is read as its text says; the others are copies of it in which
 * columns have values of their own. */
#include "schedule/read_roles.h"

#include "base/number.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPS_MAX = 1 << 22,       /* of all ranks */
    EXECUTED_MAX = 1 << 30,  /* operations of all ranks in all steps */
    COLUMNS_MAX = INT16_MAX, /* of a role */
};

/* --- names -------------------------------------------------------------------------------------------- */

typedef struct Name {
    const char *text;
    int64_t index;
} Name;

typedef struct Names {
    Name *items; /* sorted */
    int64_t count;
} Names;

static int by_text(const void *a, const void *b) {
    return strcmp(((const Name *)a)->text, ((const Name *)b)->text);
}

/* -1: there is none. */
static int64_t find(const Names *names, const char *text) {
    const Name key = {.text = text};
    const Name *found = names->count
                            ? bsearch(&key, names->items, (size_t)names->count, sizeof key, by_text)
                            : NULL;
    return found ? found->index : -1;
}

static Status sort_names(const Reader *reader, Names *names, const char *what) {
    qsort(names->items, (size_t)names->count, sizeof(Name), by_text);
    for (int64_t i = 1; i < names->count; ++i)
        if (strcmp(names->items[i].text, names->items[i - 1].text) == 0)
            return read_bad(reader, "two %s are called %s", what, names->items[i].text);
    return STATUS_OK;
}

/* --- operations --------------------------------------------------------------------------------------- */

/* One role while it is read. */
typedef struct RoleReader {
    Reader *reader;
    const RoleText *text;
    Role *role;
    RankSchedule rank; /* the first */
    Names buffers, columns;
} RoleReader;

static Status bad_op(const RoleReader *at, const OpText *op, const char *why) {
    return read_bad(at->reader, "role %s, operation %lld: %s", at->text->name, (long long)op->id,
                    why);
}

/* A number, or a column: then that of the first rank, and *column_of names it. */
static bool read_number(const RoleReader *at, const char *text, int64_t *value,
                        int16_t *column_of) {
    bool overflow;
    *column_of = -1;
    if (number_parse_int(text, value, &overflow))
        return true;
    int64_t column = find(&at->columns, text);
    if (overflow || column < 0)
        return false;
    *column_of = (int16_t)column;
    *value = at->text->columns.items[column].values.items[0];
    return true;
}

static Status read_arguments(RoleReader *at, const OpText *from, Op *op, int16_t *column_of) {
    const OpArg *info = op_info[op->kind].args;
    int64_t next = 0;
    int16_t unused;
    for (int a = 0; a < OP_ARGS && info[a].type != ARG_NONE; ++a) {
        const ArgumentText *text = &from->arguments.items[next];
        bool named = next < from->arguments.count && strcmp(text->name, info[a].name) == 0;
        op->args[a].value = -1;
        next += named;
        if (!named && info[a].type == ARG_INT)
            return bad_op(at, from, "it lacks a number");
        if (named && info[a].type == ARG_INT) {
            if (!read_number(at, text->value, &op->args[a].value, &column_of[a]))
                return bad_op(at, from, "a number is neither a number nor a column");
        } else if (named) {
            op->args[a].value = find(&at->buffers, text->value);
            if (op->args[a].value < 0 ||
                !read_number(at, text->delta, &op->args[a].delta, &column_of[OP_ARGS + a]))
                return bad_op(at, from, "a buffer is not one of the role's");
        }
        if (named && info[a].type == ARG_INT &&
            (!read_number(at, text->delta, &op->args[a].delta, &unused) || op->args[a].delta != 0))
            return bad_op(at, from, "a number has no place in a buffer");
    }
    if (next < from->arguments.count)
        return bad_op(at, from, "its arguments are not those of its kind, in their order");
    return STATUS_OK;
}

static Status read_op(RoleReader *at, const OpText *from, Op *op, int16_t *column_of) {
    *op = (Op){.kind = from->kind,
               .part = from->part,
               .microbatch = from->microbatch,
               .lag = from->lag,
               .per_layer = from->per_layer,
               .stream = from->stream,
               .records = from->records,
               .channel = -1,
               .exchange = -1,
               .rule = from->rule};
    memset(op->waits, 0xff, sizeof op->waits);
    for (int f = 0; f < OP_FIELDS; ++f)
        column_of[f] = -1;
    for (int64_t w = 0; w < from->waits.count; ++w)
        op->waits[w] = from->waits.items[w];
    if ((*from->channel &&
         !read_number(at, from->channel, &op->channel, &column_of[OP_FIELD_CHANNEL])) ||
        (*from->exchange &&
         !read_number(at, from->exchange, &op->exchange, &column_of[OP_FIELD_EXCHANGE])))
        return bad_op(at, from, "its channel or exchange is neither a number nor a column");
    return read_arguments(at, from, op, column_of);
}

/* NULL if the channel and exchange of a rank's operation are there and meant for it. */
static const char *bad_move(const Reader *reader, int64_t rank, const Op *op) {
    OpClass class = op_info[op->kind].class;
    bool exchange = class == OPCLASS_EXCHANGE, pair = class == OPCLASS_PAIR;
    if (!exchange && !pair && class != OPCLASS_COLLECTIVE)
        return op->channel < 0 && op->exchange < 0 ? NULL : "it is no move, but has a channel";
    if (op->channel < 0 || op->channel >= reader->text->channels.count)
        return "it has no channel";
    const Channel *channel = &reader->text->channels.items[op->channel];
    if (!read_has_rank(&channel->ranks, rank))
        return "a rank is no member of its channel";
    if (channel->is_exchange != exchange || channel->is_pair != pair ||
        (channel->transfers.count > 0) != (op->kind == OP_transfer) ||
        channel->stream != op->stream)
        return "its channel is for another kind of move or stream";
    if (!exchange)
        return op->exchange < 0 ? NULL : "it is no exchange";
    if (op->exchange < 0 || op->exchange >= reader->text->exchanges.count)
        return "it has no exchange";
    return read_is_end(&reader->text->exchanges.items[op->exchange], rank)
               ? NULL
               : "a rank is no end of its exchange";
}

static const char *bad_values(const Reader *reader, const Op *op) {
    const OpArg *info = op_info[op->kind].args;
    for (int a = 0; a < OP_ARGS && info[a].type != ARG_NONE; ++a)
        if ((info[a].type == ARG_INT && op->args[a].value < 0) || op->args[a].delta < 0 ||
            (double)op->args[a].value > 0x1p56 || (double)op->args[a].delta > 0x1p56)
            return "a number is out of range";
    if (op_info[op->kind].class == OPCLASS_COLLECTIVE &&
        (double)op->args[op_arg((OpKind)op->kind, "units")].value *
                (double)op->args[op_arg((OpKind)op->kind, "unit_bytes")].value >
            0x1p56)
        return "a number is out of range";
    if (op->kind == OP_pack &&
        op->args[op_arg(OP_pack, "routes")].value >= reader->text->routes.count)
        return "its route table does not exist";
    if ((op->kind == OP_pack || op->kind == OP_expert_ffn) &&
        op->args[op_arg((OpKind)op->kind, "exchange")].value >= reader->text->exchanges.count)
        return "its exchange does not exist";
    return NULL;
}

/* What holds for all ranks of the role, in a segment of a step. */
static const char *bad_place(const RoleReader *at, const Op *op, int64_t step, Range layers) {
    const ScheduleText *text = at->reader->text;
    const OpArg *info = op_info[op->kind].args;
    if (op->microbatch >= text->steps.items[step].microbatches)
        return "its micro-batch does not exist";
    if (op->per_layer && layers.begin < layers.end &&
        (layers.begin - op->lag < 0 || layers.end - op->lag > text->layers))
        return "it works on a layer that the model has not";
    for (int a = 0; a < OP_ARGS && info[a].type != ARG_NONE; ++a) {
        if (info[a].type == ARG_INT || op->args[a].value < 0)
            continue;
        const Buffer *buffer = &at->rank.buffers.items[op->args[a].value];
        if (buffer->step >= 0 && buffer->step != step)
            return "a buffer belongs to another step";
        if (buffer->per_layer && !op->per_layer)
            return "a buffer with a copy a layer is used outside layers";
    }
    for (int w = 0; w < OP_WAITS && op->waits[w] != -1; ++w)
        if (op->waits[w] < 0 || op->waits[w] >= at->rank.ops.count)
            return "it waits for an operation that is not there";
    return NULL;
}

/* Operations of the segments one after the other, as the first rank of the role has them. */
static Status read_steps(RoleReader *at) {
    const ScheduleText *text = at->reader->text;
    int64_t count = 0;
    if (at->text->steps.count != text->steps.count)
        return read_bad(at->reader, "role %s has not the steps of the schedule", at->text->name);
    for (int64_t s = 0; s < text->steps.count; ++s)
        for (int64_t i = 0; i < at->text->steps.items[s].segments.count; ++i)
            count += at->text->steps.items[s].segments.items[i].operations.count;
    at->rank.steps = ARENA_ARRAY(at->reader->arena, text->steps.count, RankStep);
    at->rank.ops.items = ARENA_ARRAY(at->reader->arena, count + 1, Op);
    at->rank.ops.capacity = count;
    at->role->column_of = ARENA_ARRAY(at->reader->arena, (count + 1) * OP_FIELDS, int16_t);
    for (int64_t s = 0; s < text->steps.count; ++s) {
        const RoleStepText *step = &at->text->steps.items[s];
        at->rank.steps[s].captured = step->captured;
        if (strcmp(step->name, text->steps.items[s].name) != 0)
            return read_bad(at->reader, "role %s has not the steps of the schedule",
                            at->text->name);
        for (int64_t i = 0; i < step->segments.count; ++i) {
            const SegmentText *from = &step->segments.items[i];
            Segment *segment = LIST_PUSH(at->reader->arena, &at->rank.steps[s].segments);
            *segment = (Segment){from->layers, at->rank.ops.count, from->operations.count};
            at->reader->executed += (from->layers.end - from->layers.begin) *
                                    (from->operations.count + 1) * at->text->ranks.count;
            if (at->reader->executed > EXECUTED_MAX)
                return read_bad(at->reader, "more than %d operations are executed", EXECUTED_MAX);
            for (int64_t k = 0; k < from->operations.count; ++k) {
                int64_t id = at->rank.ops.count++;
                if (from->operations.items[k].id != id)
                    return bad_op(at, &from->operations.items[k], "its id is not its place");
                TRY(read_op(at, &from->operations.items[k], &at->rank.ops.items[id],
                            at->role->column_of + id * OP_FIELDS));
            }
        }
    }
    return STATUS_OK;
}

/* Once all operations are known: waits may name later ones. */
static Status check_steps(RoleReader *at) {
    for (int64_t s = 0; s < at->reader->text->steps.count; ++s)
        for (int64_t i = 0; i < at->rank.steps[s].segments.count; ++i) {
            const Segment *segment = &at->rank.steps[s].segments.items[i];
            for (int64_t k = segment->first; k < segment->first + segment->count; ++k) {
                const char *why = bad_place(at, &at->rank.ops.items[k], s, segment->layers);
                if (why)
                    return read_bad(at->reader, "role %s, operation %lld: %s", at->text->name,
                                    (long long)k, why);
            }
        }
    return STATUS_OK;
}

/* --- roles and ranks ---------------------------------------------------------------------------------- */

static Status read_buffers(RoleReader *at) {
    const RoleText *text = at->text;
    at->buffers =
        (Names){ARENA_ARRAY(at->reader->arena, text->buffers.count + 1, Name), text->buffers.count};
    for (int64_t i = 0; i < text->buffers.count; ++i) {
        const Buffer *buffer = &text->buffers.items[i];
        at->buffers.items[i] = (Name){buffer->name, i};
        if (buffer->step >= at->reader->text->steps.count)
            return read_bad(at->reader, "role %s: buffer %s belongs to a step that is not there",
                            text->name, buffer->name);
    }
    at->rank.buffers.items = text->buffers.items;
    at->rank.buffers.count = at->rank.buffers.capacity = text->buffers.count;
    return sort_names(at->reader, &at->buffers, "buffers of a role");
}

static Status read_columns(RoleReader *at) {
    const RoleText *text = at->text;
    at->columns =
        (Names){ARENA_ARRAY(at->reader->arena, text->columns.count + 1, Name), text->columns.count};
    if (text->columns.count > COLUMNS_MAX)
        return read_bad(at->reader, "role %s has more than %d columns", text->name, COLUMNS_MAX);
    for (int64_t i = 0; i < text->columns.count; ++i) {
        const ColumnText *column = &text->columns.items[i];
        at->columns.items[i] = (Name){column->name, i};
        if (column->values.count != text->ranks.count)
            return read_bad(at->reader, "role %s: column %s has not one value for each rank",
                            text->name, column->name);
        *(RoleColumn *)LIST_PUSH(at->reader->arena, &at->role->columns) =
            (RoleColumn){column->name, column->values.items};
    }
    return sort_names(at->reader, &at->columns, "columns of a role");
}

static int64_t *field_of(Op *op, int field) {
    if (field >= OP_FIELD_CHANNEL)
        return field == OP_FIELD_CHANNEL ? &op->channel : &op->exchange;
    return field < OP_ARGS ? &op->args[field].value : &op->args[field - OP_ARGS].delta;
}

/* Ranks without columns share the operations of the first one. */
static Status read_rank_ops(RoleReader *at, RankSchedule *rank, int64_t index) {
    const Role *role = at->role;
    rank->ops = at->rank.ops;
    if (role->columns.count > 0 && index > 0) {
        at->reader->ops += rank->ops.count;
        if (at->reader->ops > OPS_MAX)
            return read_bad(at->reader, "ranks have more than %d operations in all", OPS_MAX);
        rank->ops.items = ARENA_ARRAY(at->reader->arena, rank->ops.count + 1, Op);
        memcpy(rank->ops.items, at->rank.ops.items, (size_t)rank->ops.count * sizeof(Op));
    }
    for (int64_t i = 0; i < rank->ops.count; ++i) {
        for (int f = 0; f < OP_FIELDS && role->columns.count > 0; ++f) {
            int16_t column = role->column_of[i * OP_FIELDS + f];
            if (column >= 0)
                *field_of(&rank->ops.items[i], f) = role->columns.items[column].values[index];
        }
        const char *why = bad_move(at->reader, rank->rank, &rank->ops.items[i]);
        why = why ? why : bad_values(at->reader, &rank->ops.items[i]);
        if (why)
            return read_bad(at->reader, "role %s, rank %lld, operation %lld: %s", role->name,
                            (long long)rank->rank, (long long)i, why);
    }
    return STATUS_OK;
}

static Status read_rank_sizes(RoleReader *at, RankSchedule *rank, int64_t index) {
    if (at->text->varying.count > 0) {
        size_t bytes = (size_t)at->rank.buffers.count * sizeof(Buffer);
        rank->buffers.items = arena_alloc(at->reader->arena, bytes ? bytes : 1);
        memcpy(rank->buffers.items, at->text->buffers.items, bytes);
    }
    for (int64_t v = 0; v < at->text->varying.count; ++v) {
        const VaryingText *varying = &at->text->varying.items[v];
        Buffer *buffer = &rank->buffers.items[varying->buffer];
        if (varying->bytes.count > 0)
            buffer->bytes = varying->bytes.items[index];
        if (varying->first_layer.count > 0)
            buffer->first_layer = varying->first_layer.items[index];
        if (varying->layers.count > 0)
            buffer->layers = varying->layers.items[index];
        if (varying->shape.count > 0)
            buffer->shape = varying->shape.items[index];
    }
    for (int64_t b = 0; b < rank->buffers.count; ++b) {
        const Buffer *buffer = &rank->buffers.items[b];
        double bytes = buffer->per_layer ? (double)buffer->layer_stride * (double)buffer->layers
                                         : (double)buffer->bytes;
        if (buffer->bytes < 0 || buffer->layers < 0 || buffer->first_layer < 0 ||
            (buffer->per_layer && buffer->bytes > buffer->layer_stride) ||
            (double)buffer->offset + bytes > (double)at->text->slab_bytes ||
            buffer->first_layer + (double)buffer->layers > (double)COLUMNS_MAX * COLUMNS_MAX)
            return read_bad(at->reader, "rank %lld: buffer %s does not lie in the slab",
                            (long long)rank->rank, buffer->name);
    }
    return STATUS_OK;
}

static Status check_varying(RoleReader *at) {
    int64_t last = -1, ranks = at->text->ranks.count;
    for (int64_t v = 0; v < at->text->varying.count; ++v) {
        const VaryingText *varying = &at->text->varying.items[v];
        const int64_t counts[] = {varying->bytes.count, varying->first_layer.count,
                                  varying->layers.count, varying->shape.count};
        bool sound = varying->buffer > last && varying->buffer < at->text->buffers.count;
        for (int i = 0; i < 4; ++i)
            sound = sound && (counts[i] == 0 || counts[i] == ranks);
        if (!sound)
            return read_bad(at->reader, "role %s: sizes of a buffer are not one for each rank",
                            at->text->name);
        last = varying->buffer;
    }
    return STATUS_OK;
}

static Status read_role(Reader *reader, int64_t index) {
    const RoleText *text = &reader->text->roles.items[index];
    Role *role = LIST_PUSH(reader->arena, &reader->schedule->roles);
    RoleReader at = {.reader = reader, .text = text, .role = role};
    role->name = text->name;
    role->ranks = text->ranks;
    role->slab_bytes = text->slab_bytes;
    role->state_bytes = text->state_bytes;
    role->state_offset = text->state_offset;
    if (!read_ascending(reader, &text->ranks))
        return read_bad(reader, "role %s: its ranks are out of range", text->name);
    TRY(read_buffers(&at));
    TRY(read_columns(&at));
    TRY(check_varying(&at));
    TRY(read_steps(&at));
    TRY(check_steps(&at));
    for (int64_t r = 0; r < text->ranks.count; ++r) {
        RankSchedule *rank = &reader->schedule->ranks[text->ranks.items[r]];
        if (rank->steps)
            return read_bad(reader, "rank %lld is in two roles", (long long)text->ranks.items[r]);
        *rank = at.rank;
        rank->rank = text->ranks.items[r];
        rank->role = index;
        rank->slab_bytes = text->slab_bytes;
        rank->state_bytes = text->state_bytes;
        rank->state_offset = text->state_offset;
        TRY(read_rank_sizes(&at, rank, r));
        TRY(read_rank_ops(&at, rank, r));
    }
    return STATUS_OK;
}

Status read_roles(Reader *reader) {
    int64_t ranks = 0, world = reader->text->world;
    for (int64_t r = 0; r < reader->text->roles.count; ++r)
        ranks += reader->text->roles.items[r].ranks.count;
    if (ranks != world)
        return read_bad(reader, "its roles have %lld ranks, the world %lld", (long long)ranks,
                        (long long)world);
    Names names = {ARENA_ARRAY(reader->arena, reader->text->roles.count, Name),
                   reader->text->roles.count};
    for (int64_t r = 0; r < names.count; ++r)
        names.items[r] = (Name){reader->text->roles.items[r].name, r};
    TRY(sort_names(reader, &names, "roles"));
    reader->schedule->ranks = ARENA_ARRAY(reader->arena, world, RankSchedule);
    for (int64_t r = 0; r < reader->text->roles.count; ++r)
        TRY(read_role(reader, r));
    return STATUS_OK;
}
