/* read_schema: the declaration of every key of schedule.json. Owns nothing; what values mean to each other is read.c's. */
#include "schedule/read_schema.h"

static const char *const kind_names[] = {
#define OP(name, ...) #name,
#include "schedule/ops.def"
#undef OP
    NULL,
};
static const char *const mode_names[] = {"padded", "exact", NULL};

/* Larger numbers are refused, so that products of two stay inside int64_t; bytes so that sums do. */
#define COUNT_MAX ((double)(1 << 30))
#define BYTES_MAX 0x1p56
#define LAYERS_MAX ((double)(1 << 20))

#define FIELD(of_type, field, kind) .name = #field, .type = kind, .offset = offsetof(of_type, field)
#define COUNT(of_type, field, least)                                                               \
    FIELD(of_type, field, FIELD_INT), .min = (least), .max = COUNT_MAX
#define BYTES(of_type, field) FIELD(of_type, field, FIELD_INT), .min = 0, .max = BYTES_MAX
#define CHOICE(of_type, field, list) FIELD(of_type, field, FIELD_ENUM), .names = (list)
#define FLAG(of_type, field) FIELD(of_type, field, FIELD_BOOL), .fallback = "false"
#define TEXT(of_type, field) FIELD(of_type, field, FIELD_TEXT)
#define INTS(of_type, field) FIELD(of_type, field, FIELD_INTS)
#define ITEMS(of_type, field, schema) FIELD(of_type, field, FIELD_LIST), .of = &(schema)
#define LAYERS(of_type, field)                                                                     \
    FIELD(of_type, field, FIELD_RANGE), .min = -LAYERS_MAX, .max = 2 * LAYERS_MAX
#define SCHEMA(id, title, of_type, text)                                                           \
    static const Schema id##_schema = {                                                            \
        .name = title, .doc = text, .size = sizeof(of_type), .fields = id##_fields}
#define TUPLE(id, title, of_type, text)                                                            \
    static const Schema id##_schema = {                                                            \
        .name = title, .doc = text, .size = sizeof(of_type), .fields = id##_fields, .tuple = true}

/* --- moves -------------------------------------------------------------------------------------------- */

static const Field transfer_fields[] = {
    {COUNT(ChannelTransfer, from, 0), .doc = "member that sends, by index"},
    {COUNT(ChannelTransfer, to, 0), .doc = "member that receives, by index"},
    {.name = "begin",
     .type = FIELD_INT,
     .offset = offsetof(ChannelTransfer, pieces.begin),
     .max = COUNT_MAX,
     .doc = "first piece"},
    {.name = "end",
     .type = FIELD_INT,
     .offset = offsetof(ChannelTransfer, pieces.end),
     .max = COUNT_MAX,
     .doc = "past the last piece"},
    {CHOICE(ChannelTransfer, sum, plan_reduce_names), .doc = "copied or added"},
    {0},
};
TUPLE(transfer, "transfer", ChannelTransfer, "[from, to, first piece, past the last, copy | sum]");

static const Field channel_fields[] = {
    {FLAG(Channel, is_exchange), .doc = "of dispatch and combine"},
    {FLAG(Channel, is_pair), .doc = "one sends, the other receives"},
    {CHOICE(Channel, move, plan_move_names), .doc = "what is moved"},
    {TEXT(Channel, name), .doc = "for people and traces"},
    {ITEMS(Channel, own, range_schema), .doc = "pieces of each member"},
    {COUNT(Channel, pieces, 0), .doc = "of the payload"},
    {INTS(Channel, ranks), .doc = "members, ascending"},
    {CHOICE(Channel, stream, plan_stream_names), .doc = "where it runs"},
    {ITEMS(Channel, transfers, transfer_schema), .fallback = "", .doc = "of a stage"},
    {0},
};
SCHEMA(channel, "channel", Channel, "a communicator");

static const Field source_fields[] = {
    {COUNT(ExchangeSource, first_sequence, 0), .doc = "of the wave"},
    {COUNT(ExchangeSource, rank, 0), .doc = "that owns the rows"},
    {FIELD(ExchangeSource, rows, FIELD_RANGE), .max = COUNT_MAX, .doc = "of the micro-batch"},
    {COUNT(ExchangeSource, tokens, 0), .doc = "rows a sequence"},
    {0},
};
SCHEMA(source, "source", ExchangeSource, "a rank whose rows go to experts");

static const Field target_fields[] = {
    {COUNT(ExchangeTarget, rank, 0), .doc = "that holds experts"},
    {COUNT(ExchangeTarget, slots, 1), .doc = "expert parts held"},
    {0},
};
SCHEMA(target, "target", ExchangeTarget, "a rank that holds experts");

static const Field hop_fields[] = {
    {COUNT(ExchangeHop, stage, 0), .doc = "of the way"},
    {COUNT(ExchangeHop, from, 0), .doc = "rank that sends"},
    {COUNT(ExchangeHop, to, 0), .doc = "rank that receives"},
    {COUNT(ExchangeHop, source, 0), .doc = "whose rows, by index"},
    {COUNT(ExchangeHop, target, 0), .doc = "for which target, by index"},
    {0},
};
TUPLE(hop, "hop", ExchangeHop, "[stage, from, to, source, target]");

typedef struct Ways {
    LIST_OF(ExchangeHop) there, back;
} Ways;
_Static_assert(sizeof(Ways) == sizeof(((Exchange *)0)->hops), "both ways of an exchange");

static const Field ways_fields[] = {
    {ITEMS(Ways, back, hop_schema), .fallback = "", .doc = "of combine"},
    {ITEMS(Ways, there, hop_schema), .fallback = "", .doc = "of dispatch"},
    {0},
};
SCHEMA(ways, "ways", Ways, "how rows go where they do not go directly");

static const Field exchange_fields[] = {
    {COUNT(Exchange, chunk, 0), .doc = "rows a transfer; 0: all"},
    {COUNT(Exchange, copy, 0), .doc = "of the plan"},
    {COUNT(Exchange, in_flight, 0), .doc = "transfers that a pair may have unreceived"},
    {FLAG(Exchange, local), .doc = "one rank is source and target"},
    {COUNT(Exchange, microbatch, 0), .doc = "of the step"},
    {CHOICE(Exchange, mode, mode_names), .doc = "windows of full size, or counts first"},
    {TEXT(Exchange, name), .doc = "for people and traces"},
    {ITEMS(Exchange, sources, source_schema), .doc = "ascending ranks"},
    {COUNT(Exchange, step, 0), .doc = "that it belongs to"},
    {ITEMS(Exchange, targets, target_schema), .doc = "ascending ranks"},
    {.name = "ways",
     .type = FIELD_OBJECT,
     .offset = offsetof(Exchange, hops),
     .fallback = "",
     .of = &ways_schema,
     .doc = "where rows go in stages"},
    {0},
};
SCHEMA(exchange, "exchange", Exchange, "rows of owners to the holders of their experts, and back");

/* --- routes ------------------------------------------------------------------------------------------- */

static const Field route_row_fields[] = {
    {LAYERS(RouteRowText, layers), .doc = "that it holds for"},
    {INTS(RouteRowText, slot), .doc = "[experts][parts]"},
    {INTS(RouteRowText, target), .doc = "[experts][parts]; -1: there is none"},
    {0},
};
SCHEMA(route_row, "row", RouteRowText, "where the parts of each expert live");

static const Field route_fields[] = {
    {ITEMS(RouteText, rows, route_row_schema), .doc = "by layers"},
    {0},
};
SCHEMA(route, "route", RouteText, "where a source sends rows");

/* --- roles -------------------------------------------------------------------------------------------- */

static const Field argument_fields[] = {
    {TEXT(ArgumentText, name), .doc = "of ops.def"},
    {TEXT(ArgumentText, value), .doc = "a number, a column, or a buffer"},
    {TEXT(ArgumentText, delta), .fallback = "0", .doc = "bytes into the buffer, or a column"},
    {0},
};
TUPLE(argument, "argument", ArgumentText, "[name, number or column] or [name, buffer, delta]");

static const Field op_fields[] = {
    {ITEMS(OpText, arguments, argument_schema), .doc = "as ops.def lists them"},
    {TEXT(OpText, channel), .fallback = "", .doc = "of a move"},
    {TEXT(OpText, exchange), .fallback = "", .doc = "of dispatch and combine"},
    {COUNT(OpText, id, 0), .doc = "its place in the list of the rank"},
    {CHOICE(OpText, kind, kind_names), .doc = "what is done"},
    {COUNT(OpText, lag, 0), .doc = "it works on layer (segment's layer - lag)"},
    {COUNT(OpText, microbatch, 0), .doc = "of the step"},
    {CHOICE(OpText, part, plan_part_names), .doc = "of the plan's order"},
    {FLAG(OpText, per_layer), .doc = "belongs to a layer"},
    {FLAG(OpText, records), .doc = "others wait for it"},
    {TEXT(OpText, rule), .doc = "of the lowering"},
    {CHOICE(OpText, stream, plan_stream_names), .doc = "where it runs"},
    {INTS(OpText, waits), .max = OP_WAITS, .doc = "operations on other streams"},
    {0},
};
SCHEMA(op, "operation", OpText, "an operation of a role");

static const Field segment_fields[] = {
    {LAYERS(SegmentText, layers), .doc = "once for each of these"},
    {ITEMS(SegmentText, operations, op_schema), .doc = "in program order"},
    {0},
};
SCHEMA(segment, "segment", SegmentText, "operations that are repeated");

static const Field role_step_fields[] = {
    {FIELD(RoleStepText, captured, FIELD_BOOL), .doc = "recorded once and replayed"},
    {TEXT(RoleStepText, name), .doc = "of the step"},
    {ITEMS(RoleStepText, segments, segment_schema), .doc = "in program order"},
    {0},
};
SCHEMA(role_step, "step", RoleStepText, "what a role does in a step");

static const Field buffer_fields[] = {
    {BYTES(Buffer, bytes), .doc = "of one layer where layer_stride is not 0"},
    {CHOICE(Buffer, class, buffer_class_names), .doc = "how long it lives"},
    {COUNT(Buffer, first_layer, 0), .doc = "that it has a copy for"},
    {BYTES(Buffer, layer_stride), .doc = "bytes between layers"},
    {COUNT(Buffer, layers, 0), .doc = "that it has a copy for"},
    {TEXT(Buffer, name), .doc = "unique in the role"},
    {BYTES(Buffer, offset), .doc = "in the slab"},
    {FLAG(Buffer, per_layer), .doc = "has a copy for each layer"},
    {TEXT(Buffer, shape), .doc = "for people"},
    {FIELD(Buffer, step, FIELD_INT), .min = -1, .max = COUNT_MAX, .doc = "-1: of all steps"},
    {0},
};
SCHEMA(buffer, "buffer", Buffer, "bytes of the slab");

static const Field column_fields[] = {
    {TEXT(ColumnText, name), .doc = "unique in the role"},
    {INTS(ColumnText, values), .doc = "of each rank of the role"},
    {0},
};
SCHEMA(column, "column", ColumnText, "what differs between ranks");

static const Field varying_fields[] = {
    {COUNT(VaryingText, buffer, 0), .doc = "of the role, by index"},
    {INTS(VaryingText, bytes), .fallback = "", .doc = "of each rank"},
    {INTS(VaryingText, first_layer), .fallback = "", .doc = "of each rank"},
    {INTS(VaryingText, layers), .fallback = "", .doc = "of each rank"},
    {FIELD(VaryingText, shape, FIELD_TEXTS), .fallback = "", .doc = "of each rank"},
    {0},
};
SCHEMA(varying, "varying buffer", VaryingText, "a buffer whose size differs between ranks");

static const Field role_fields[] = {
    {ITEMS(RoleText, buffers, buffer_schema), .doc = "sizes of the first rank"},
    {ITEMS(RoleText, columns, column_schema), .doc = "what differs between ranks"},
    {TEXT(RoleText, name), .doc = "unique"},
    {INTS(RoleText, ranks), .doc = "ascending"},
    {BYTES(RoleText, slab_bytes), .doc = "of device memory"},
    {BYTES(RoleText, state_bytes), .doc = "cleared before a wave"},
    {BYTES(RoleText, state_offset), .doc = "in the slab"},
    {ITEMS(RoleText, steps, role_step_schema), .doc = "all of them"},
    {ITEMS(RoleText, varying, varying_schema), .doc = "buffers whose size differs"},
    {0},
};
SCHEMA(role, "role", RoleText, "ranks with the same operations");

static const Field step_fields[] = {
    {COUNT(ScheduleStep, microbatches, 1), .doc = "of each group's requests"},
    {TEXT(ScheduleStep, name), .doc = "of the plan"},
    {0},
};
SCHEMA(step, "step", ScheduleStep, "a step of the plan");

static const Field schedule_fields[] = {
    {ITEMS(ScheduleText, channels, channel_schema), .doc = "communicators"},
    {ITEMS(ScheduleText, exchanges, exchange_schema), .doc = "between owners and holders"},
    {COUNT(ScheduleText, experts, 0), .doc = "of a layer"},
    {FIELD(ScheduleText, layers, FIELD_INT), .min = 1, .max = LAYERS_MAX, .doc = "of the model"},
    {COUNT(ScheduleText, parts, 0), .doc = "the most parts of an expert"},
    {TEXT(ScheduleText, plan), .doc = "its name"},
    {ITEMS(ScheduleText, roles, role_schema), .min = 1, .doc = "that share the ranks"},
    {ITEMS(ScheduleText, routes, route_schema), .doc = "of sources"},
    {COUNT(ScheduleText, row_bytes, 0), .doc = "of a hidden row"},
    {COUNT(ScheduleText, schema_version, 1), .doc = "of this file"},
    {ITEMS(ScheduleText, steps, step_schema), .min = 1, .doc = "in the plan's order"},
    {COUNT(ScheduleText, top_k, 0), .doc = "experts of a token"},
    {COUNT(ScheduleText, world, 1), .doc = "ranks"},
    {0},
};
const Schema schedule_text_schema = {.name = "schedule",
                                     .doc = "what each rank does, derived from a plan",
                                     .size = sizeof(ScheduleText),
                                     .fields = schedule_fields};
