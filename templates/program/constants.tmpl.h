/* Constants of program $(view.name). Made by gen from plan.json: do not edit. */
#pragma once

#include "rt_format.h"

#if RT_ABI_VERSION != 3
#error "this program was made for version 3 of the runtime: make it again, or take that runtime"
#endif
//% for _, section in ipairs(view.constants) do

/* $(section.title) */
//%   for _, line in ipairs(section.lines) do
$(line)
//%   end
//% end
