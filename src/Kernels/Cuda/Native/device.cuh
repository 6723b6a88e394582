// What every kernel builds on: the three compilers' differences, single machine instructions, sums over a warp.
//
// The same text is compiled by NVRTC (11.2 and later, no headers at all), by nvcc, and by g++ for tests without a GPU
// (MNR_HOST_CUDA: tests/HostCuda supplies CUDA's names and the twins of the instructions below, one fiber per thread).
//
// Rules for kernels: real CUDA names only; `extern "C" __global__ void name(plain pointers and numbers)` followed by
// MNR_KERNEL(name); no launches; dynamic shared memory only through DYNAMIC_SHARED; warp collectives with all 32 lanes.
#pragma once

#ifdef MNR_HOST_CUDA

#include "host_instructions.h"

#else

// Registration of a kernel by name: the driver does it on a GPU.
#define MNR_KERNEL(name)

// The block's dynamic shared memory as an array, 16-byte aligned.
#define DYNAMIC_SHARED(type, name)                                  \
    extern __shared__ __align__(16) unsigned char dynamicShared[]; \
    type* name = reinterpret_cast<type*>(dynamicShared)

__device__ __forceinline__ unsigned sharedAddress(const void* shared)
{
    return static_cast<unsigned>(__cvta_generic_to_shared(shared));
}

// d (16, 8) += a (16, 16) b (16, 8) in fp32, of bf16 pairs. With g = lane / 4 and t = lane % 4: a holds rows g and g + 8, columns
// 2t, 2t + 1 and those + 8, as (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8); b rows 2t, 2t + 1 and + 8 of column g; d (g, 2t),
// (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
__device__ __forceinline__ void mma_m16n8k16_bf16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Four 8 x 8 matrices of 16-bit elements; lane i names the 16-byte row i % 8 of matrix i / 8. Each lane gets of each matrix row
// lane / 4 elements 2 (lane % 4) and the next; transposed: column lane / 4, rows 2 (lane % 4) and the next.
__device__ __forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(sharedAddress(row))
                 : "memory");
}

__device__ __forceinline__ void ldmatrix_x4_trans(unsigned (&r)[4], const void* row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(sharedAddress(row))
                 : "memory");
}

// 16 bytes from global to shared memory behind the threads' backs, both 16-byte aligned. What a thread has started until
// cp_async_commit is one group; cp_async_wait<N> waits until at most the last N of its groups are still under way. Other threads see the
// bytes only after a barrier behind that.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"(sharedAddress(shared)), "l"(global) : "memory");
}

__device__ __forceinline__ void cp_async_commit()
{
    asm volatile("cp.async.commit_group;" : : : "memory");
}

template <int GroupsLeft>
__device__ __forceinline__ void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;" : : "n"(GroupsLeft) : "memory");
}

#endif

constexpr int WarpSize = 32;
constexpr unsigned AllLanes = 0xffffffffu;

// Sums over a warp by butterfly: every lane gets the same bits, as a + b = b + a.
template <class Number>
__device__ __forceinline__ Number warpSum(Number value)
{
    for (int distance = WarpSize / 2; distance > 0; distance /= 2)
    {
        value += __shfl_xor_sync(AllLanes, value, distance);
    }
    return value;
}

__device__ __forceinline__ float warpMax(float value)
{
    for (int distance = WarpSize / 2; distance > 0; distance /= 2)
    {
        value = fmaxf(value, __shfl_xor_sync(AllLanes, value, distance));
    }
    return value;
}

constexpr int MostWarps = 32;

// The sum over a block of whole warps, the same bits in every thread: each warp's sum, then those in order.
// `scratch` is shared, MostWarps numbers; it may be used again after the call.
template <class Number>
__device__ __forceinline__ Number blockSum(Number value, Number* scratch)
{
    value = warpSum(value);
    if (threadIdx.x % WarpSize == 0)
    {
        scratch[threadIdx.x / WarpSize] = value;
    }
    __syncthreads();
    Number sum = 0;
    for (int warp = 0; warp < static_cast<int>(blockDim.x) / WarpSize; warp++)
    {
        sum += scratch[warp];
    }
    __syncthreads();
    return sum;
}

__device__ __forceinline__ float blockMax(float value, float* scratch)
{
    value = warpMax(value);
    if (threadIdx.x % WarpSize == 0)
    {
        scratch[threadIdx.x / WarpSize] = value;
    }
    __syncthreads();
    float largest = scratch[0];
    for (int warp = 1; warp < static_cast<int>(blockDim.x) / WarpSize; warp++)
    {
        largest = fmaxf(largest, scratch[warp]);
    }
    __syncthreads();
    return largest;
}

__device__ __forceinline__ float infinity()
{
    return __int_as_float(0x7f800000);
}
