/* steps: a program of one rank for a device, written by hand, whose every operation on one stream needs what the one before
 * did on the other: a wait that is missing changes tokens. STEPS_SPOIL=POSITION in the environment lets a kernel tell a
 * fault there, STEPS_WRONG=LAYER lets the device fail there in decode. It knows nothing of the tests that run it. */
#pragma once

#include "core/rank.h"
#include "steps_args.h"

enum { BATCH = 4, PROMPT = 4, CONTEXT = 24, LAYERS = 3, KINDS = 7 };

/* The weight: of some rows a few columns are multiplied, so that all parts of it matter. More than are staged at once. */
enum { ROWS = 1280, COLUMNS = 2048, ROW_STEP = 13 };

/* slab offsets */
enum {
    AT_IDS = 0,
    AT_POSITIONS = AT_IDS + 4 * BATCH * PROMPT,
    AT_VALUES = AT_POSITIONS + 4 * BATCH * PROMPT,
    AT_NEXT = AT_VALUES + 4 * BATCH,
    AT_IN = 256,
    AT_WEIGHT = 512,
    AT_LOGITS = AT_WEIGHT + 4 * ROWS * COLUMNS,
    STEPS_SLAB = AT_LOGITS + 4 * STEPS_VOCABULARY * BATCH
};

/* Operations of a step; those of decode come behind those of prefill. */
enum { OP_BEGIN, OP_FIRST, OP_TIMES, OP_PLUS, OP_LAST, OP_PRODUCT, OP_FINISH, STEP_OPS };

extern const rt_program steps_program;

/* The token that follows. */
static inline int steps_next(int id, int position) {
    int value = steps_begin(id, position);
    for (int layer = 0; layer < LAYERS; ++layer)
        value = steps_added(steps_multiplied(value, layer));
    return value % STEPS_VOCABULARY;
}
