/* nvrtc: device code from its sources, compiled where it runs. */
#pragma once

#include "core/error.h"

/* Compile the sources of `module` for devices of `architecture` (90: sm_90), or take what an earlier start compiled
 * (cuda/cache.h). The code is the caller's to free. RT_UNAVAILABLE: NVRTC knows no such device; RT_SOFTWARE: it refuses
 * the sources, told with file, line and the line of the source. */
rt_status rt_nvrtc_compile(const rt_module *module, int architecture, char **code, size_t *bytes,
                           rt_error *error);
