/* Program $(view.name) as the runtime sees it: roles, steps, bounds. Made by gen: do not edit. */
#include "program.h"

#include "ops.h"

/* clang-format off */

/* kind, part, index of the kind, micro-batch, stream, recorded, waits, provenance; by operation id */
//% for _, role in ipairs(view.roles) do
static const rt_op ops_$(role.name)[] = {
//%   for _, line in ipairs(role.ops) do
    $(line)
//%   end
};

//% end
static const rt_role roles[] = {
//% for _, role in ipairs(view.roles) do
    {
        .name = "$(role.name)",
        .slab_bytes = INT64_C($(role.slab_bytes)),
        .zero_offset = INT64_C($(role.state_offset)),
        .zero_bytes = INT64_C($(role.state_bytes)),
        .ops = ops_$(role.name),
        .op_count = $(role.op_count),
    },
//% end
};

static const rt_step steps[] = {
//% for _, step in ipairs(view.steps) do
    {
        .name = $(step.name),
        .decode = $(step.decode),
        .captured = $(step.captured),
        .tokens = $(step.tokens),
        .run = (const rt_step_fn[]){$(step.run)},
    },
//% end
};

static const char *const kinds[] = {
//% for _, kind in ipairs(view.kinds) do
    $(kind),
//% end
};

/* Of those for moves peers wait: they go first. */
static const char *const streams[] = {
//% for _, stream in ipairs(view.streams) do
    $(stream.name),
//% end
};
static const bool urgent[] = {
//% for _, stream in ipairs(view.streams) do
    $(stream.urgent), /* $(stream.plain) */
//% end
};

/* Index of the kind, slab offsets (int64_t), numbers (int32_t): the arguments of each kernel. */
static const rt_kernel_args kernel_args[] = {
//% for _, kernel in ipairs(view.kernels) do
    [$(kernel.macro)] = $(kernel.args),
//% end
};
//% if #view.tables > 0 then

/* What only kernels read: name, numbers, how many, bytes of each. */
static const rt_table tables[] = {
//%   for _, line in ipairs(view.tables) do
    $(line)
//%   end
};
//% end

/* clang-format on */

const rt_program program = {
    .abi = RT_ABI_VERSION,
    .name = $(view.name_string),
    .version = GEN_VERSION,
    .digest = PLAN_DIGEST,
    .schedule = SCHEDULE_DIGEST,
    .certificate = CERTIFICATE_DIGEST,
    .world = $(view.world),
    .roles = $(#view.roles),
    .steps = $(#view.steps),
    .channels = $(#view.channels),
    .exchanges = $(#view.exchanges),
    .kinds = $(#view.kinds),
    .kernels = KERNELS,
    .streams = $(#view.streams),
    .places = places,
    .role = roles,
    .step = steps,
//% if #view.channels > 0 then
    .channel = channels,
//% end
//% if #view.exchanges > 0 then
    .exchange = exchanges,
//% end
    .kind = kinds,
    .kernel = kernels,
    .kernel_args = kernel_args,
    .stream = streams,
    .urgent = urgent,
    .module = &module,
//% if #view.tables > 0 then
    .tables = $(#view.tables),
    .table = tables,
//% end
    .nodes = $(#view.node_lines),
    .node = nodes,
    .network_seconds = $(view.network_seconds),
    .batch = BATCH,
    .prompt = PROMPT,
    .context = CONTEXT,
    .vocabulary = VOCABULARY,
    .candidates = CANDIDATES,
    .copies = $(view.copies),
    .type = $(view.type),
    .initializer_range = $(view.initializer_range)f,
};
