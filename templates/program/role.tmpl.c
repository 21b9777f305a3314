//% for _, line in ipairs(view.title) do
$(line)
//% end
#include "ops.h"
#include "program.h"

/* clang-format off */

/* Buffers: bytes from the begin of the slab; shapes are those of rank $(view.first_rank). */
//% for _, line in ipairs(view.buffers) do
$(line)
//% end
//% if #view.columns > 0 then

/* What differs between the ranks of this role. */
struct $(view.name)_row {
//%   for _, column in ipairs(view.columns) do
    int64_t $(column.name);
//%   end
};

static const struct $(view.name)_row $(view.name)_rows[] = {
    $(view.row_head)
//%   for _, line in ipairs(view.rows) do
    $(line)
//%   end
};
//% end

/* clang-format on */
//% for _, step in ipairs(view.steps) do

rt_status $(step.call)(rt_rank *rank) {
//%   if step.differs then
    const struct $(view.name)_row *row = &$(view.name)_rows[rt_role_index(rank)];

//%   end
//%   for _, segment in ipairs(step.segments) do
//%     if segment.loop then
    for (int layer = $(segment.layer_begin); layer < $(segment.layer_end); ++layer) {
//%     end
//%     for _, op in ipairs(segment.ops) do
//%       for _, line in ipairs(op.comment) do
$(line)
//%       end
$(op.indent)RT_TRY($(op.call)($(op.lead),
$(op.hang)&($(op.type)){
//%       for _, arg in ipairs(op.args) do
$(op.hang)    .$(arg.name) = $(arg.value),
//%       end
$(op.hang)}));
//%     end
//%     if segment.loop then
    }
//%     end
//%   end
    return RT_OK;
}
//% end
