/* ops: the declaration table of operation kinds, from ops.def. Constant data; owns nothing. */
#include "schedule/ops.h"

#include <assert.h>
#include <string.h>

const OpInfo op_info[OP_KINDS] = {
#define OP(name, class_, doc_, ...) [OP_##name] = {#name, class_, doc_, {__VA_ARGS__}},
#include "schedule/ops.def"
#undef OP
};

int op_arg(OpKind kind, const char *name) {
    for (int i = 0; i < OP_ARGS && op_info[kind].args[i].type != ARG_NONE; ++i)
        if (strcmp(op_info[kind].args[i].name, name) == 0)
            return i;
    assert(!"an operation has no such argument");
    return -1;
}
