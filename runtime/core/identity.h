/* identity: that all ranks of a run are one program. Who makes the shared memory writes there which program it is; who
 * comes with another one leaves that there and is refused, and those who wait in it learn of it at once. It knows
 * programs and the first bytes of a segment, which are the same in all versions. */
#pragma once

#include "core/segment.h"

/* Write into a fresh segment's header which program made it. */
void rt_identity_write(rt_header *header, const rt_program *program);

/* Before a segment is mapped: see that `fd` was made by this program. RT_DATA, told to those in it, if not; *ready: it has
 * a header to compare with. */
rt_status rt_identity_check(const rt_program *program, int fd, int rank, bool *ready,
                            rt_error *error);

/* Whether a rank with another program was refused: then how the two differ. */
bool rt_identity_refused(const rt_segment *segment, char *text, size_t size);
