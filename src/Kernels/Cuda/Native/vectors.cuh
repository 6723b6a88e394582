// Neighbouring elements to and from floats, in one access of up to 16 bytes. A thread that handles N elements at a time needs their
// number in a row to be a multiple of N (rows then are aligned, as the arenas are); kernels fall back to N = 1 where it is not.
#pragma once

#include "bf16.cuh"

// Elements of a 16-byte access.
template <class T>
constexpr int PackOf = 16 / static_cast<int>(sizeof(T));

template <int N>
__device__ __forceinline__ void load(const float* source, float (&values)[N])
{
    static_assert(N == 1 || N % 4 == 0, "one float, or whole 16-byte accesses");
    if constexpr (N == 1)
    {
        values[0] = *source;
    }
    else
    {
#pragma unroll
        for (int i = 0; i < N; i += 4)
        {
            const float4 four = *reinterpret_cast<const float4*>(source + i);
            values[i] = four.x;
            values[i + 1] = four.y;
            values[i + 2] = four.z;
            values[i + 3] = four.w;
        }
    }
}

__device__ __forceinline__ void unpackBf16(unsigned pair, float& low, float& high)
{
    low = __uint_as_float(pair << 16);
    high = __uint_as_float(pair & 0xffff0000u);
}

template <int N>
__device__ __forceinline__ void load(const bf16* source, float (&values)[N])
{
    static_assert(N == 1 || N == 4 || N == 8, "one element, or an access of 8 or 16 bytes");
    if constexpr (N == 1)
    {
        values[0] = toFloat(*source);
    }
    else if constexpr (N == 4)
    {
        const uint2 pairs = *reinterpret_cast<const uint2*>(source);
        unpackBf16(pairs.x, values[0], values[1]);
        unpackBf16(pairs.y, values[2], values[3]);
    }
    else
    {
        const uint4 pairs = *reinterpret_cast<const uint4*>(source);
        unpackBf16(pairs.x, values[0], values[1]);
        unpackBf16(pairs.y, values[2], values[3]);
        unpackBf16(pairs.z, values[4], values[5]);
        unpackBf16(pairs.w, values[6], values[7]);
    }
}

template <int N>
__device__ __forceinline__ void store(const float (&values)[N], float* target)
{
    static_assert(N == 1 || N % 4 == 0, "one float, or whole 16-byte accesses");
    if constexpr (N == 1)
    {
        *target = values[0];
    }
    else
    {
#pragma unroll
        for (int i = 0; i < N; i += 4)
        {
            *reinterpret_cast<float4*>(target + i) = make_float4(values[i], values[i + 1], values[i + 2], values[i + 3]);
        }
    }
}

template <int N>
__device__ __forceinline__ void store(const float (&values)[N], bf16* target)
{
    static_assert(N == 1 || N == 4 || N == 8, "one element, or an access of 8 or 16 bytes");
    if constexpr (N == 1)
    {
        *target = fromFloat<bf16>(values[0]);
    }
    else if constexpr (N == 4)
    {
        *reinterpret_cast<uint2*>(target) = make_uint2(packBf16(values[0], values[1]), packBf16(values[2], values[3]));
    }
    else
    {
        *reinterpret_cast<uint4*>(target) = make_uint4(
            packBf16(values[0], values[1]), packBf16(values[2], values[3]), packBf16(values[4], values[5]), packBf16(values[6], values[7]));
    }
}
