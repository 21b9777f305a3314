/* Two functions for test_module.c; one has shared memory of its own. */
extern "C" __global__ void twice(float *at) {
    at[threadIdx.x] *= 2;
}

extern "C" __global__ void turn(float *at) {
    __shared__ float row[32];
    extern __shared__ unsigned char turn_more[];
    float *more = (float *)turn_more;
    row[threadIdx.x] = at[threadIdx.x];
    more[threadIdx.x] = 1;
    __syncthreads();
    at[threadIdx.x] = row[31 - threadIdx.x] + more[31 - threadIdx.x];
}
