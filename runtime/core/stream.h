/* stream: new tokens as they are made, into a file or pipe: rt_format.h has the layout. A thread of the process that
 * reports waits for them and writes; ranks never wait for it. */
#pragma once

#include "core/segment.h"

/* Begin, once the segment is mapped, where the command line asks for it. */
rt_status rt_stream_begin(rt_segment *segment, rt_error *error);

/* End it after the ranks: writes what is left of a run that went well. */
rt_status rt_stream_end(rt_segment *segment, rt_error *error);
