// Copies between types and constant fills: one pass, 16 bytes of the wider type a thread and access.
#pragma once

#include "vectors.cuh"

template <class From, class To>
__device__ __forceinline__ void castElements(const From* source, To* target, long long count)
{
    const long long thread = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
    const long long whole = count / 4 * 4;
    for (long long i = 4 * thread; i < whole; i += 4 * threads)
    {
        float values[4];
        load<4>(source + i, values);
        store<4>(values, target + i);
    }
    if (thread < count - whole)
    {
        target[whole + thread] = fromFloat<To>(toFloat(source[whole + thread]));
    }
}

// cast_f32_to_bf16, cast_bf16_to_f32: target = source, rounded to nearest even. Both 16-byte aligned.
// grid: any, best min(ceil(count / 1024), a few blocks a multiprocessor); block: 256; shared: 0
extern "C" __global__ void cast_f32_to_bf16(const float* source, bf16* target, long long count)
{
    castElements(source, target, count);
}
MNR_KERNEL(cast_f32_to_bf16)

extern "C" __global__ void cast_bf16_to_f32(const bf16* source, float* target, long long count)
{
    castElements(source, target, count);
}
MNR_KERNEL(cast_bf16_to_f32)

template <class T>
__device__ __forceinline__ void fillElements(T* target, float value, long long count)
{
    const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
    const T element = fromFloat<T>(value);
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += threads)
    {
        target[i] = element;
    }
}

// fill: every element = value.
// grid: any, best min(ceil(count / 256), a few blocks a multiprocessor); block: 256; shared: 0
extern "C" __global__ void fill_f32(float* target, float value, long long count)
{
    fillElements(target, value, count);
}
MNR_KERNEL(fill_f32)

extern "C" __global__ void fill_bf16(bf16* target, float value, long long count)
{
    fillElements(target, value, count);
}
MNR_KERNEL(fill_bf16)

template <class T>
__device__ __forceinline__ void zeroSpareRows(T* matrix, const int* tokenCount, int rows, int columns)
{
    const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
    const long long end = static_cast<long long>(rows) * columns;
    const long long first = static_cast<long long>(*tokenCount) * columns;
    for (long long i = first + static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < end; i += threads)
    {
        matrix[i] = fromFloat<T>(0.0f);
    }
}

// zero_spare_rows: clears rows *tokenCount .. rows - 1, behind kernels that go by sentences and leave spare rows alone (attention,
// pool_backward). tokenCount is the last of the batch's offsets, so that a recorded step may be replayed with another batch.
// grid: any, best ceil(spare rows * columns / 256); block: 256; shared: 0
extern "C" __global__ void zero_spare_rows_f32(float* matrix, const int* tokenCount, int rows, int columns)
{
    zeroSpareRows(matrix, tokenCount, rows, columns);
}
MNR_KERNEL(zero_spare_rows_f32)

extern "C" __global__ void zero_spare_rows_bf16(bf16* matrix, const int* tokenCount, int rows, int columns)
{
    zeroSpareRows(matrix, tokenCount, rows, columns);
}
MNR_KERNEL(zero_spare_rows_bf16)
