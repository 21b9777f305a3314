/* nvToolsExt: what our runtime uses of NVTX (see cuda_runtime_api.h). */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int nvtxRangePushA(const char *text);
int nvtxRangePop(void);
void nvtxNameOsThreadA(uint32_t thread, const char *name);

#ifdef __cplusplus
}
#endif
