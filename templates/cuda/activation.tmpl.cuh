/* activation: of experts and of feed-forwards that all tokens pass. */
#pragma once

static __device__ __forceinline__ float activate(float x) {
//% if view.model.activation == "silu" then
    return x / (1.0f + expf(-x));
//% elseif view.model.activation == "gelu" then
    return 0.5f * x * (1.0f + erff(x * 0.70710678f));
//% else
    return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
//% end
}
