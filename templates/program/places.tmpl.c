/* Ranks of program $(view.name): where they are and what they hold. Made by gen: do not edit. */
#include "program.h"

/* clang-format off */

/* Names in checkpoints. */
//% for _, line in ipairs(view.tensors) do
$(line)
//% end

/* name, layers [begin, end), expert, rows and columns of the tensor, rows [begin, end), columns [begin, end),
 * offset [bytes], bytes between layers, elements between rows, type, fill without a checkpoint */
//% for _, rank in ipairs(view.ranks) do
//%   if #rank.lines > 0 then
static const rt_weight weights_$(rank.number)[] = {
//%     for _, line in ipairs(rank.lines) do
    $(line)
//%     end
};

//%   end
//% end
const rt_place places[] = {
//% for _, rank in ipairs(view.ranks) do
    $(rank.place)
//% end
};

/* GPUs, NICs, bytes per second and seconds from GPU to GPU, bytes per second of a NIC */
const rt_node nodes[] = {
//% for _, line in ipairs(view.node_lines) do
    $(line)
//% end
};

/* clang-format on */
