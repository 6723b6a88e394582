// The bfloat16 type: the upper half of a float (NVRTC brings no cuda_bf16.h). It is storage only: kernels compute in float.
// Rounding is to nearest, ties to even; a NaN stays one.
#pragma once

#include "device.cuh"

struct __align__(2) bf16
{
    unsigned short bits;
};

__device__ __forceinline__ float toFloat(float value)
{
    return value;
}

__device__ __forceinline__ float toFloat(bf16 value)
{
    return __uint_as_float(static_cast<unsigned>(value.bits) << 16);
}

// Two floats as a pair of bf16, the first in the lower half, as it lies in memory.
__device__ __forceinline__ unsigned packBf16(float low, float high)
{
#ifdef MNR_HOST_CUDA
    unsigned pair = 0;
    const float values[2] = {low, high};
    for (int i = 0; i < 2; i++)
    {
        unsigned bits = __float_as_uint(values[i]);
        bits = (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        pair |= bits << (16 * i);
    }
    return pair;
#else
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#endif
}

template <class T>
__device__ __forceinline__ T fromFloat(float value);

template <>
__device__ __forceinline__ float fromFloat<float>(float value)
{
    return value;
}

template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float value)
{
    return bf16{static_cast<unsigned short>(packBf16(value, 0.0f) & 0xffffu)};
}
