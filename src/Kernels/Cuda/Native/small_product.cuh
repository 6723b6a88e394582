// Products of matrices with a handful of results, each a sum that may be long:
//
//   C = A B (+ bias) (+ C),   C (rows, columns) with at most 64 elements, A (rows, depth), B (depth, columns), the bias a row
//
// as a linear layer of one output makes them (dW = dy^T x sums over all rows of the batch), or the similarities of one or two sentences.
//
// A sum of n products in fp32 is off by up to n u sum |a_k b_k|, u = 6e-8, and by some multiple of u sum |a_k b_k| in any order. Where there
// are many results that is little beside their norm, since few of them cancel. A single one is a thirtieth of the size of its terms once
// in thirty times, and then the order decides whether what is left is right to 1e-5: cuBLASLt's, which nobody can choose, was not. So here the
// products, which are exact in double (24 + 24 bits of 53), are summed in double and rounded once, into C: the nearest float for all sums that do not
// cancel to 2^-29 n of their terms. tf32 is not asked for what it would lose. 64 results are so many that their norm does not cancel, and so few that
// double costs nothing where a GPU has little of it.
//
// One block a result, its threads stride down the depth, their sums are added in a fixed order: the shape alone decides the bits. Operands are read
// as they lie, by strides: at most 64 times, from the cache.
#pragma once

#include "vectors.cuh"

template <class T, class Result>
__device__ __forceinline__ void smallProductKernel(
    const T* left, int leftRowStride, int leftDepthStride, const T* right, int rightDepthStride, int rightColumnStride, const Result* bias, Result* result,
    int resultStride, int columns, int depth, int accumulate)
{
    __shared__ double scratch[MostWarps];
    const int row = static_cast<int>(blockIdx.x) / columns;
    const int column = static_cast<int>(blockIdx.x) % columns;
    const T* a = left + static_cast<long long>(row) * leftRowStride;
    const T* b = right + static_cast<long long>(column) * rightColumnStride;
    double sum = 0;
#pragma unroll 4
    for (long long k = threadIdx.x; k < depth; k += blockDim.x)
    {
        sum += static_cast<double>(toFloat(a[k * leftDepthStride])) * toFloat(b[k * rightDepthStride]);
    }
    sum = blockSum(sum, scratch);
    if (threadIdx.x == 0)
    {
        Result* target = result + static_cast<long long>(row) * resultStride + column;
        sum += bias != nullptr ? toFloat(bias[column]) : 0.0f;
        sum += accumulate ? toFloat(*target) : 0.0f;
        *target = fromFloat<Result>(static_cast<float>(sum));
    }
}

// small_product: result (rows, columns) = left (rows, depth) right (depth, columns), by strides in elements; bias null for none.
// grid: rows columns; block: a multiple of 32 to 1024, best 256; shared: 0
extern "C" __global__ void small_product_f32(
    const float* left, int leftRowStride, int leftDepthStride, const float* right, int rightDepthStride, int rightColumnStride, const float* bias,
    float* result, int resultStride, int columns, int depth, int accumulate)
{
    smallProductKernel(
        left, leftRowStride, leftDepthStride, right, rightDepthStride, rightColumnStride, bias, result, resultStride, columns, depth, accumulate);
}
MNR_KERNEL(small_product_f32)

extern "C" __global__ void small_product_bf16(
    const bf16* left, int leftRowStride, int leftDepthStride, const bf16* right, int rightDepthStride, int rightColumnStride, const bf16* bias,
    bf16* result, int resultStride, int columns, int depth, int accumulate)
{
    smallProductKernel(
        left, leftRowStride, leftDepthStride, right, rightDepthStride, rightColumnStride, bias, result, resultStride, columns, depth, accumulate);
}
MNR_KERNEL(small_product_bf16)

// Of bf16, to float: the gradients of weights.
extern "C" __global__ void small_product_bf16_f32(
    const bf16* left, int leftRowStride, int leftDepthStride, const bf16* right, int rightDepthStride, int rightColumnStride, const float* bias,
    float* result, int resultStride, int columns, int depth, int accumulate)
{
    smallProductKernel(
        left, leftRowStride, leftDepthStride, right, rightDepthStride, rightColumnStride, bias, result, resultStride, columns, depth, accumulate);
}
MNR_KERNEL(small_product_bf16_f32)
