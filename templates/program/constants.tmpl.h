/* Constants of program $(view.name), for host and devices. Made by gen from plan.json: do not edit. */
#pragma once
//% for _, section in ipairs(view.constants) do

/* $(section.title) */
//%   for _, line in ipairs(section.lines) do
$(line)
//%   end
//% end
