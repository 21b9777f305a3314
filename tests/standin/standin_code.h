/* standin_code: how nvcc and NVRTC of the stand-ins hand device code to cudaLibraryLoadData: this, then a shared object that
 * the shim runs. */
#pragma once

#include <stdint.h>

#define STANDIN_MAGIC "standin code 1\n"

enum { STANDIN_ARCHITECTURES = 8 };

struct standin_code {
    char magic[16];
    uint64_t bytes; /* of the shared object */
    int32_t architectures;
    int32_t architecture[STANDIN_ARCHITECTURES]; /* 80: sm_80 */
    int32_t padding;
};
static_assert(sizeof(standin_code) == 64, "module.sh writes 64 bytes");
