// CUDA's names for g++, and the host's twins of what device.cuh wraps: included by device.cuh where MNR_HOST_CUDA is defined.
#pragma once

#include "registration.h"
#include "vector_types.h"
#include "warp_instructions.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#define __host__
#define __device__
#define __global__
#define __constant__ static
#define __shared__ static thread_local
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(bytes) __attribute__((aligned(bytes)))

#define threadIdx (mnr_host::currentBlock->threadIndex())
#define blockIdx (mnr_host::currentBlock->blockIndex)
#define blockDim (mnr_host::currentBlock->blockSize)
#define gridDim (mnr_host::currentBlock->gridSize)
constexpr int warpSize = 32;

#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(mnr_host::currentBlock->dynamicShared)

using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;

// --- numbers and their bits ---

inline float __uint_as_float(unsigned bits)
{
    return __builtin_bit_cast(float, bits);
}

inline float __int_as_float(int bits)
{
    return __builtin_bit_cast(float, bits);
}

inline unsigned __float_as_uint(float value)
{
    return __builtin_bit_cast(unsigned, value);
}

inline int __float_as_int(float value)
{
    return __builtin_bit_cast(int, value);
}

inline float rsqrtf(float value)
{
    return 1.0f / std::sqrt(value);
}

inline float __expf(float value)
{
    return std::exp(value);
}

inline float __logf(float value)
{
    return std::log(value);
}

inline int __popc(unsigned bits)
{
    return __builtin_popcount(bits);
}

inline int __clz(int bits)
{
    return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits));
}

inline int __ffs(int bits)
{
    return __builtin_ffs(bits);
}

template <class Number>
inline Number __ldg(const Number* source)
{
    return *source;
}

// --- barriers, and what other threads may do at the same time ---

// The line tells one barrier from another, so that threads of a block that wait at different ones are an error and not a coincidence.
inline void __syncthreads(int line = __builtin_LINE())
{
    mnr_host::currentBlock->barrier(line);
}

inline void __threadfence()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

inline void __threadfence_block()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

[[noreturn]] inline void __trap()
{
    constexpr int LaunchFailed = 719;
    mnr_host::currentBlock->fail(LaunchFailed, "executes a trap");
}

template <class Integer>
inline Integer atomicAdd(Integer* target, Integer value)
{
    return __atomic_fetch_add(target, value, __ATOMIC_RELAXED);
}

template <class Integer>
inline Integer atomicCAS(Integer* target, Integer expected, Integer value)
{
    __atomic_compare_exchange_n(target, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}

template <class Integer>
inline Integer atomicMax(Integer* target, Integer value)
{
    Integer before = __atomic_load_n(target, __ATOMIC_RELAXED);
    while (before < value && !__atomic_compare_exchange_n(target, &before, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    {
    }
    return before;
}

inline float atomicAdd(float* target, float value)
{
    unsigned* bits = reinterpret_cast<unsigned*>(target);
    unsigned before = __atomic_load_n(bits, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(
        bits, &before, __float_as_uint(__uint_as_float(before) + value), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
    {
    }
    return __uint_as_float(before);
}
