/* The device code of program $(view.name): one
 * translation unit of the runtime's functions and those of the kernels. Made by gen: do not edit. */
#include "cuda/moves.cu"

//% for _, name in ipairs(view.includes) do
#include "$(name)"
//% end
