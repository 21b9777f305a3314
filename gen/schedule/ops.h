/* ops: every operation kind and every argument of it, declared once in ops.def. Lowering fills the arguments,
 * memory and the checks read which bytes an operation touches, emission writes the argument structs and
 * the calls, docs list them. To add a kernel: one entry in ops.def, one lowering rule, one template. */
#pragma once

#include <stdint.h>

typedef enum OpKind {
#define OP(name, ...) OP_##name,
#include "schedule/ops.def"
#undef OP
    OP_KINDS,
} OpKind;

typedef enum OpClass {
    OPCLASS_KERNEL,     /* rt_launch of a kernel of the launch table */
    OPCLASS_COLLECTIVE, /* rt_all_reduce, rt_reduce_scatter, rt_all_gather, rt_transfer */
    OPCLASS_EXCHANGE,   /* rt_dispatch, rt_combine */
    OPCLASS_PAIR,       /* rt_send, rt_recv: the two ends of a channel of two ranks */
    OPCLASS_REQUEST,    /* rt_begin, rt_finish */
} OpClass;

typedef enum ArgType {
    ARG_NONE,       /* ends the list */
    ARG_INT,        /* a number */
    ARG_READ,       /* a buffer that is read */
    ARG_WRITE,      /* a buffer that is written */
    ARG_READ_WRITE, /* both */
} ArgType;

enum { OP_ARGS = 18 };

typedef struct OpArg {
    const char *name;
    ArgType type;
    const char *doc; /* shape and unit */
} OpArg;

typedef struct OpInfo {
    const char *name;
    OpClass class;
    const char *doc;
    OpArg args[OP_ARGS];
} OpInfo;

extern const OpInfo op_info[OP_KINDS];

/* Index of the argument of this name; asserts that it exists. */
int op_arg(OpKind kind, const char *name);
