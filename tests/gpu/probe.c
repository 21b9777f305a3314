/* probe: the GPU that tests would run on, as a line of its name and architecture; fails where there is none. */
#include <cuda_runtime_api.h>

#include <stdio.h>

int main(void) {
    int count = 0;
    struct cudaDeviceProp has;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0)
        error = cudaGetDeviceProperties(&has, 0);
    if (error != cudaSuccess || count < 1) {
        printf("%s\n", error == cudaSuccess ? "there is no device" : cudaGetErrorString(error));
        return 1;
    }
    printf("%s, sm_%d%d, %.0f GiB\n", has.name, has.major, has.minor,
           (double)has.totalGlobalMem / (1 << 30));
    return 0;
}
