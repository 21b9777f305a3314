/* steps: see steps.h. */
#include "steps.h"

#include "rt_cuda.h"

#include <stdlib.h>

/* First, last and every other one of a layer are on stream 0, the products of a layer on stream 1. */
#define OPERATIONS(first)                                                                          \
    {"begin", "test", 0, 0, 0, false, {-1, -1, -1, -1, -1, -1}, ""},                               \
        {"first", "test", 1, 0, 0, true, {-1, -1, -1, -1, -1, -1}, ""},                            \
        {"times", "test", 2, 0, 1, true, {first + OP_FIRST, first + OP_PLUS, -1, -1, -1, -1}, ""}, \
        {"plus", "test", 3, 0, 0, true, {first + OP_TIMES, -1, -1, -1, -1, -1}, ""},               \
        {"last", "test", 4, 0, 1, true, {first + OP_PLUS, -1, -1, -1, -1, -1}, ""},                \
        {"product", "test", 5, 0, 0, false, {first + OP_LAST, -1, -1, -1, -1, -1}, ""}, {          \
        "finish", "test", 6, 0, 0, false, {first + OP_LAST, -1, -1, -1, -1, -1}, ""                \
    }
static const rt_op ops[2 * STEP_OPS] = {OPERATIONS(0), OPERATIONS(STEP_OPS)};
static const char *const kinds[KINDS] = {"begin", "first",   "times", "plus",
                                         "last",  "product", "finish"};

/* --- kernels -------------------------------------------------------------------------------------------- */

enum { F_FIRST, F_TIMES, F_PLUS, F_LAST, FUNCTIONS, PRODUCT = FUNCTIONS };

struct call {
    int32_t function, tokens, layer;
};

static int asked(const char *variable) {
    const char *text = getenv(variable);
    return text ? atoi(text) : -7;
}

/* Logits of the last row that each sequence has: all that are computed. */
static rt_status product(rt_rank *rank, const struct call *call) {
    RT_TRY(rt_cuda_product(rank, &(rt_product){.in = rt_at(rank, AT_IN),
                                               .weight = rt_at(rank, AT_WEIGHT),
                                               .out = rt_at(rank, AT_LOGITS),
                                               .in_stride = STEPS_INPUTS,
                                               .weight_stride = COLUMNS * ROW_STEP,
                                               .out_stride = STEPS_VOCABULARY,
                                               .rows = BATCH,
                                               .inputs = STEPS_INPUTS,
                                               .outputs = STEPS_VOCABULARY,
                                               .type = RT_F32,
                                               .out_type = RT_F32}));
    for (int32_t s = 0; rt_wants_logits(rank) && s < BATCH; ++s)
        for (int32_t t = 0; t < call->tokens; ++t) {
            float *row = rt_logits_row(rank, s, t);
            if (row)
                RT_TRY(rt_cuda_read(rank, row,
                                    rt_at(rank, AT_LOGITS + 4 * STEPS_VOCABULARY * (int64_t)s),
                                    sizeof(float) * STEPS_VOCABULARY));
        }
    return RT_OK;
}

static rt_status kernel(rt_rank *rank, const void *args) {
    const struct call *call = args;
    struct steps_args a = {.ids = rt_at(rank, AT_IDS),
                           .positions = rt_at(rank, AT_POSITIONS),
                           .values = rt_at(rank, AT_VALUES),
                           .next = rt_at(rank, AT_NEXT),
                           .in = rt_at(rank, AT_IN),
                           .fault = rt_cuda_fault(rank),
                           .sequences = BATCH,
                           .tokens = call->tokens,
                           .layer = call->layer,
                           .tag = rt_cuda_tag(rank),
                           .spoil = asked("STEPS_SPOIL"),
                           .wrong = rank->step->decode ? asked("STEPS_WRONG") : -7};
    if (call->function == PRODUCT)
        return product(rank, call);
    return rt_cuda_launch(rank, call->function, (rt_grid){1, 1, 1, 32, 0}, (void *[]){&a});
}

static const rt_kernel_fn kernels[] = {kernel};
static const rt_kernel_args kernel_args[] = {{1, 0, 3}};

/* --- steps ---------------------------------------------------------------------------------------------- */

static rt_status launch(rt_rank *rank, int op, int layer, int function, int tokens) {
    return rt_launch(rank, op, layer, 0, &(struct call){function, tokens, layer});
}

static rt_status step(rt_rank *rank, int first, int tokens) {
    RT_TRY(rt_begin(rank, first + OP_BEGIN, -1,
                    &(rt_begin_args){AT_IDS, AT_POSITIONS, 0, BATCH, tokens}));
    RT_TRY(launch(rank, first + OP_FIRST, -1, F_FIRST, tokens));
    for (int layer = 0; layer < LAYERS; ++layer) {
        RT_TRY(launch(rank, first + OP_TIMES, layer, F_TIMES, tokens));
        RT_TRY(launch(rank, first + OP_PLUS, layer, F_PLUS, tokens));
    }
    RT_TRY(launch(rank, first + OP_LAST, -1, F_LAST, tokens));
    RT_TRY(launch(rank, first + OP_PRODUCT, -1, PRODUCT, tokens));
    return rt_finish(rank, first + OP_FINISH, -1, &(rt_finish_args){AT_NEXT, 0, BATCH, 1});
}

static rt_status prefill(rt_rank *rank) {
    return step(rank, 0, PROMPT);
}

static rt_status decode(rt_rank *rank) {
    return step(rank, STEP_OPS, 1);
}

static const rt_step_fn prefills[] = {prefill}, decodes[] = {decode};
static const rt_step steps[] = {{"prefill", false, false, PROMPT, prefills},
                                {"decode", true, true, 1, decodes}};

/* --- tables --------------------------------------------------------------------------------------------- */

static const rt_weight weights[] = {{"head", -1, -1, -1, ROWS, COLUMNS, 0, ROWS, 0, COLUMNS,
                                     AT_WEIGHT, 0, COLUMNS, RT_F32, RT_FILL_UNIFORM}};
static const char *const streams[] = {"compute", "move"};
static const bool urgent[] = {false, true};
static const rt_role roles[] = {{"worker", STEPS_SLAB, 0, 0, ops, 2 * STEP_OPS}};
static const rt_place places[] = {{0, 0, 0, 0, weights, 1}};

static const char *const functions[] = {"steps_first", "steps_times", "steps_plus", "steps_last"};
static const int32_t architectures[] = {80, 90};
extern const unsigned char steps_code[], steps_code_end[];
static const rt_module module = {.functions = FUNCTIONS,
                                 .architectures = 2,
                                 .function = functions,
                                 .architecture = architectures,
                                 .binary = steps_code,
                                 .binary_end = steps_code_end};
__asm__(".section .rodata\n"
        ".globl steps_code, steps_code_end\n"
        ".balign 64\n"
        "steps_code: .incbin \"" STEPS_FATBIN "\"\n"
        "steps_code_end: .byte 0\n"
        ".previous\n");

const rt_program steps_program = {
    .abi = RT_ABI_VERSION,
    .name = "steps",
    .version = "test",
    .digest = "0123456789abcdef",
    .schedule = "123456789abcdef0",
    .certificate = "23456789abcdef01",
    .world = 1,
    .roles = 1,
    .steps = 2,
    .kinds = KINDS,
    .kernels = 1,
    .streams = 2,
    .places = places,
    .role = roles,
    .step = steps,
    .kind = kinds,
    .kernel = kernels,
    .kernel_args = kernel_args,
    .stream = streams,
    .urgent = urgent,
    .module = &module,
    .batch = BATCH,
    .prompt = PROMPT,
    .context = CONTEXT,
    .vocabulary = STEPS_VOCABULARY,
    .candidates = 1,
    .copies = 1,
    .type = RT_F32,
    .initializer_range = 0.02f,
};
