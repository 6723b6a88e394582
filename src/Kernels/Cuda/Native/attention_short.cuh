// Attention for sentences of up to 32 tokens: most of natural language inference's have fewer than 20, where a tile loop is all
// overhead. One block takes a whole (sentence, head): Q, K, V are read once, the scores are one tile, the softmax is over a warp's
// lanes, and backward makes dQ, dK and dV from one computation of P and dS, instead of the tiled path's two. (ByteTransformer's shape;
// maths and layout in attention.cuh.) Longer sentences are left alone: attention_tiled does them, with shortest = 33.
#pragma once

#include "attention.cuh"

template <class T, int Columns>
__device__ __forceinline__ void attentionShortForward(const AttentionInputs<T>& inputs, float* logSumExp, T* context)
{
    DYNAMIC_SHARED(float, shared);
    const AttentionHead<T> head = attentionHead(inputs, blockIdx.x, blockIdx.y);
    if (head.length > AttentionTile)
    {
        return;
    }
    const int headDim = inputs.headDim;
    const int stride = headDim + 4;
    const int lane = threadIdx.x % WarpSize;
    const int warpRow = threadIdx.x / WarpSize * AttentionRows;
    float* queries = shared;
    float* keys = queries + AttentionTile * stride;
    float* values = keys + AttentionTile * stride;
    float* probabilities = values + AttentionTile * stride + warpRow * ProbabilityStride;
    loadTile(head.query, head.rowStride, head.length, headDim, queries);
    loadTile(head.key, head.rowStride, head.length, headDim, keys);
    loadTile(head.value, head.rowStride, head.length, headDim, values);
    __syncthreads();
    if (warpRow >= head.length)
    {
        return;
    }
    float scores[AttentionRows];
    const int keyRow = lane < head.length ? lane : head.length - 1;
    drawMasks(inputs, head, warpRow, lane, probabilities + lane);
    multiplyRows(queries + warpRow * stride, keys + keyRow * stride, headDim, scores);
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        const int query = warpRow + r;
        const float logit = query < head.length ? score(inputs, head, scores[r], query, lane) : 0.0f;
        const float largest = warpMax(logit);
        const float exponential = expf(logit - largest);
        const float sum = warpSum(exponential);
        if (lane == 0 && query < head.length && logSumExp != nullptr)
        {
            logSumExp[static_cast<long long>(head.first + query) * inputs.heads + head.head] = largest + logf(sum);
        }
        probabilities[r * ProbabilityStride + lane] *= exponential / sum;
    }
    __syncwarp();
    int columns[Columns];
    laneColumns(headDim, columns);
    float accumulators[AttentionRows][Columns] = {};
    addWeightedRows(probabilities, values, head.length, headDim, columns, accumulators);
    const long long hidden = static_cast<long long>(inputs.heads) * headDim;
    T* target = context + (head.first + warpRow) * hidden + head.head * headDim;
    storeRows(accumulators, 1.0f, head.length - warpRow, headDim, target, hidden);
}

template <class T, int Columns>
__device__ __forceinline__ void attentionShortBackward(
    const AttentionInputs<T>& inputs, const float* logSumExp, float* rowDots, const T* contextGradient, T* gradient)
{
    DYNAMIC_SHARED(float, shared);
    const AttentionHead<T> head = attentionHead(inputs, blockIdx.x, blockIdx.y);
    if (head.length > AttentionTile)
    {
        return;
    }
    const int headDim = inputs.headDim;
    const int hidden = inputs.heads * headDim;
    const int stride = headDim + 4;
    const int lane = threadIdx.x % WarpSize;
    const int warpRow = threadIdx.x / WarpSize * AttentionRows;
    float* queries = shared;
    float* keys = queries + AttentionTile * stride;
    float* values = keys + AttentionTile * stride;
    float* gradients = values + AttentionTile * stride;
    float* dropped = gradients + AttentionTile * stride;
    float* scoreGradients = dropped + AttentionTile * ProbabilityStride;
    loadTile(head.query, head.rowStride, head.length, headDim, queries);
    loadTile(head.key, head.rowStride, head.length, headDim, keys);
    loadTile(head.value, head.rowStride, head.length, headDim, values);
    const long long contextOffset = static_cast<long long>(head.first) * hidden + head.head * headDim;
    loadTile(contextGradient + contextOffset, hidden, head.length, headDim, gradients);
    __syncthreads();
    int columns[Columns];
    laneColumns(headDim, columns);
    T* target = gradient + (head.first + warpRow) * head.rowStride + head.head * headDim;
    const bool hasRows = warpRow < head.length;
    if (hasRows)
    {
        float rowSums[AttentionRows], dots[AttentionRows], p[AttentionRows], ds[AttentionRows];
#pragma unroll
        for (int r = 0; r < AttentionRows; r++)
        {
            const int row = warpRow + r < head.length ? warpRow + r : head.length - 1;
            rowSums[r] = logSumExp[static_cast<long long>(head.first + row) * inputs.heads + head.head];
        }
        const int keyRow = lane < head.length ? lane : head.length - 1;
        tileGradients<true>(
            inputs, head, queries + warpRow * stride, gradients + warpRow * stride, keys + keyRow * stride, values + keyRow * stride,
            rowSums, dots, warpRow, lane, dropped + warpRow * ProbabilityStride + lane, p, ds);
#pragma unroll
        for (int r = 0; r < AttentionRows; r++)
        {
            dropped[(warpRow + r) * ProbabilityStride + lane] = p[r];
            scoreGradients[(warpRow + r) * ProbabilityStride + lane] = ds[r];
            if (rowDots != nullptr && lane == 0 && warpRow + r < head.length)
            {
                rowDots[static_cast<long long>(head.first + warpRow + r) * inputs.heads + head.head] = dots[r];
            }
        }
        __syncwarp();
        float queryGradient[AttentionRows][Columns] = {};
        addWeightedRows(scoreGradients + warpRow * ProbabilityStride, keys, head.length, headDim, columns, queryGradient);
        storeRows(queryGradient, head.scale, head.length - warpRow, headDim, target, head.rowStride);
    }
    __syncthreads();
    if (hasRows)
    {
        float rowGradient[AttentionRows][Columns] = {};
        addWeightedRowsTransposed(scoreGradients + warpRow, queries, head.length, headDim, columns, rowGradient);
        storeRows(rowGradient, head.scale, head.length - warpRow, headDim, target + hidden, head.rowStride);
#pragma unroll
        for (int r = 0; r < AttentionRows; r++)
        {
#pragma unroll
            for (int j = 0; j < Columns; j++)
            {
                rowGradient[r][j] = 0;
            }
        }
        addWeightedRowsTransposed(dropped + warpRow, gradients, head.length, headDim, columns, rowGradient);
        storeRows(rowGradient, 1.0f, head.length - warpRow, headDim, target + 2 * hidden, head.rowStride);
    }
}

// attention_short_forward, attention_short_backward: for the sentences of at most 32 tokens; the others are left alone.
// grid: (sentences, heads); block: 128; shared: forward (96 * (headDim + 4) + 1152) * 4; backward (128 * (headDim + 4) + 2304) * 4
// Arguments as for the tiled kernels (attention_tiled.cuh), but backward writes these sentences' rowDots, or takes null.
#define MNR_ATTENTION_SHORT(T, suffix, columns)                                                                                              \
    extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_short_forward_##suffix(                                         \
        const T* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,                      \
        const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, float* logSumExp, T* context, int heads,           \
        int headDim)                                                                                                                         \
    {                                                                                                                                        \
        const AttentionInputs<T> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,                                         \
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};                           \
        attentionShortForward<T, columns>(inputs, logSumExp, context);                                                                       \
    }                                                                                                                                        \
    MNR_KERNEL(attention_short_forward_##suffix)                                                                                             \
    extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_short_backward_##suffix(                                        \
        const T* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,                      \
        const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, const float* logSumExp, float* rowDots,            \
        const T* contextGradient, T* gradient, int heads, int headDim)                                                                       \
    {                                                                                                                                        \
        const AttentionInputs<T> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,                                         \
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};                           \
        attentionShortBackward<T, columns>(inputs, logSumExp, rowDots, contextGradient, gradient);                                           \
    }                                                                                                                                        \
    MNR_KERNEL(attention_short_backward_##suffix)

MNR_ATTENTION_SHORT(float, f32_d32, 1)
MNR_ATTENTION_SHORT(float, f32_d64, 2)
MNR_ATTENTION_SHORT(float, f32_d128, 4)
MNR_ATTENTION_SHORT(bf16, bf16_d32, 1)
MNR_ATTENTION_SHORT(bf16, bf16_d64, 2)
MNR_ATTENTION_SHORT(bf16, bf16_d128, 4)
#undef MNR_ATTENTION_SHORT
