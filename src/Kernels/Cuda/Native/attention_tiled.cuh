// Attention for sentences of any length, a tile of 32 queries by 32 keys at a time (FlashAttention's order of work; maths and layout in
// attention.cuh).
//
// Forward: a block takes 32 queries and goes over the keys with a running maximum and sum, so that no row of scores is ever whole.
// Backward: the probabilities are computed again from logSumExp, twice: once by blocks that keep dK and dV of 32 keys and go over the
// queries, once by blocks that keep dQ of 32 queries and go over the keys. That is 7 products instead of 5, and in return no two
// blocks add to one place: no atomics, the same bits in every run.
#pragma once

#include "attention.cuh"

template <class T, int Columns>
__device__ __forceinline__ void attentionTiledForward(
    const AttentionInputs<T>& inputs, float* logSumExp, T* context, int shortest)
{
    DYNAMIC_SHARED(float, shared);
    const AttentionHead<T> head = attentionHead(inputs, blockIdx.x, blockIdx.y);
    const int firstQuery = blockIdx.z * AttentionTile;
    if (firstQuery >= head.length || head.length < shortest)
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
    const int queryRows = head.length - firstQuery < AttentionTile ? head.length - firstQuery : AttentionTile;
    loadTile(head.query + firstQuery * head.rowStride, head.rowStride, queryRows, headDim, queries);
    int columns[Columns];
    laneColumns(headDim, columns);
    float accumulators[AttentionRows][Columns] = {};
    float largest[AttentionRows], sums[AttentionRows];
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        largest[r] = -infinity();
        sums[r] = 0;
    }
    for (int firstKey = 0; firstKey < head.length; firstKey += AttentionTile)
    {
        const int keyRows = head.length - firstKey < AttentionTile ? head.length - firstKey : AttentionTile;
        loadTile(head.key + firstKey * head.rowStride, head.rowStride, keyRows, headDim, keys);
        loadTile(head.value + firstKey * head.rowStride, head.rowStride, keyRows, headDim, values);
        __syncthreads();
        if (warpRow < queryRows)
        {
            float scores[AttentionRows];
            const int keyRow = lane < keyRows ? lane : keyRows - 1;
            drawMasks(inputs, head, firstQuery + warpRow, firstKey + lane, probabilities + lane);
            multiplyRows(queries + warpRow * stride, keys + keyRow * stride, headDim, scores);
#pragma unroll
            for (int r = 0; r < AttentionRows; r++)
            {
                // A row behind the sentence's end counts every key as 0: finite, and never stored.
                const int query = firstQuery + warpRow + r;
                const float logit = query < head.length ? score(inputs, head, scores[r], query, firstKey + lane) : 0.0f;
                const float newLargest = fmaxf(largest[r], warpMax(logit));
                const float rescale = expf(largest[r] - newLargest);
                const float probability = expf(logit - newLargest);
                largest[r] = newLargest;
                sums[r] = fmaf(sums[r], rescale, probability);
                probabilities[r * ProbabilityStride + lane] *= probability;
#pragma unroll
                for (int j = 0; j < Columns; j++)
                {
                    accumulators[r][j] *= rescale;
                }
            }
            __syncwarp();
            addWeightedRows(probabilities, values, keyRows, headDim, columns, accumulators);
        }
        __syncthreads();
    }
    if (warpRow >= queryRows)
    {
        return;
    }
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        const float sum = warpSum(sums[r]);
        const int query = firstQuery + warpRow + r;
        if (lane == 0 && query < head.length && logSumExp != nullptr)
        {
            logSumExp[static_cast<long long>(head.first + query) * inputs.heads + head.head] = largest[r] + logf(sum);
        }
#pragma unroll
        for (int j = 0; j < Columns; j++)
        {
            accumulators[r][j] /= sum;
        }
    }
    const long long hidden = static_cast<long long>(inputs.heads) * headDim;
    T* target = context + (head.first + firstQuery + warpRow) * hidden + head.head * headDim;
    storeRows(accumulators, 1.0f, queryRows - warpRow, headDim, target, hidden);
}

// The rows of one query tile that the backward kernels need: Q, dcontext, logSumExp and D.
template <class T>
__device__ __forceinline__ void loadQueryTile(
    const AttentionInputs<T>& inputs, const AttentionHead<T>& head, const T* contextGradient, const float* logSumExp, const float* rowDots,
    int firstQuery, int rows, float* queries, float* gradients, float* rowValues)
{
    const int hidden = inputs.heads * inputs.headDim;
    loadTile(head.query + firstQuery * head.rowStride, head.rowStride, rows, inputs.headDim, queries);
    loadTile(
        contextGradient + static_cast<long long>(head.first + firstQuery) * hidden + head.head * inputs.headDim, hidden, rows, inputs.headDim,
        gradients);
    if (threadIdx.x < AttentionTile)
    {
        const int row = static_cast<int>(threadIdx.x) < rows ? threadIdx.x : rows - 1;
        const long long index = static_cast<long long>(head.first + firstQuery + row) * inputs.heads + head.head;
        rowValues[threadIdx.x] = logSumExp[index];
        rowValues[AttentionTile + threadIdx.x] = rowDots[index];
    }
}

template <class T, int Columns>
__device__ __forceinline__ void attentionTiledBackwardKeys(
    const AttentionInputs<T>& inputs, const float* logSumExp, const float* rowDots, const T* contextGradient, T* gradient, int shortest)
{
    DYNAMIC_SHARED(float, shared);
    const AttentionHead<T> head = attentionHead(inputs, blockIdx.x, blockIdx.y);
    const int firstKey = blockIdx.z * AttentionTile;
    if (firstKey >= head.length || head.length < shortest)
    {
        return;
    }
    const int headDim = inputs.headDim;
    const int stride = headDim + 4;
    const int lane = threadIdx.x % WarpSize;
    const int warpRow = threadIdx.x / WarpSize * AttentionRows;
    float* keys = shared;
    float* values = keys + AttentionTile * stride;
    float* queries = values + AttentionTile * stride;
    float* gradients = queries + AttentionTile * stride;
    float* dropped = gradients + AttentionTile * stride;
    float* scoreGradients = dropped + AttentionTile * ProbabilityStride;
    float* rowValues = scoreGradients + AttentionTile * ProbabilityStride;
    const int keyRows = head.length - firstKey < AttentionTile ? head.length - firstKey : AttentionTile;
    loadTile(head.key + firstKey * head.rowStride, head.rowStride, keyRows, headDim, keys);
    loadTile(head.value + firstKey * head.rowStride, head.rowStride, keyRows, headDim, values);
    int columns[Columns];
    laneColumns(headDim, columns);
    const int keyRow = lane < keyRows ? lane : keyRows - 1;
    float keyGradient[AttentionRows][Columns] = {};
    float valueGradient[AttentionRows][Columns] = {};
    for (int firstQuery = 0; firstQuery < head.length; firstQuery += AttentionTile)
    {
        const int queryRows = head.length - firstQuery < AttentionTile ? head.length - firstQuery : AttentionTile;
        loadQueryTile(inputs, head, contextGradient, logSumExp, rowDots, firstQuery, queryRows, queries, gradients, rowValues);
        __syncthreads();
        if (warpRow < queryRows)
        {
            float p[AttentionRows], ds[AttentionRows];
            tileGradients<false>(
                inputs, head, queries + warpRow * stride, gradients + warpRow * stride, keys + keyRow * stride, values + keyRow * stride,
                rowValues + warpRow, rowValues + AttentionTile + warpRow, firstQuery + warpRow, firstKey + lane,
                dropped + warpRow * ProbabilityStride + lane, p, ds);
#pragma unroll
            for (int r = 0; r < AttentionRows; r++)
            {
                dropped[(warpRow + r) * ProbabilityStride + lane] = p[r];
                scoreGradients[(warpRow + r) * ProbabilityStride + lane] = ds[r];
            }
        }
        __syncthreads();
        addWeightedRowsTransposed(dropped + warpRow, gradients, queryRows, headDim, columns, valueGradient);
        addWeightedRowsTransposed(scoreGradients + warpRow, queries, queryRows, headDim, columns, keyGradient);
        __syncthreads();
    }
    const int hidden = inputs.heads * headDim;
    T* target = gradient + (head.first + firstKey + warpRow) * head.rowStride + head.head * headDim;
    storeRows(keyGradient, head.scale, keyRows - warpRow, headDim, target + hidden, head.rowStride);
    storeRows(valueGradient, 1.0f, keyRows - warpRow, headDim, target + 2 * hidden, head.rowStride);
}

template <class T, int Columns>
__device__ __forceinline__ void attentionTiledBackwardQueries(
    const AttentionInputs<T>& inputs, const float* logSumExp, const float* rowDots, const T* contextGradient, T* gradient, int shortest)
{
    DYNAMIC_SHARED(float, shared);
    const AttentionHead<T> head = attentionHead(inputs, blockIdx.x, blockIdx.y);
    const int firstQuery = blockIdx.z * AttentionTile;
    if (firstQuery >= head.length || head.length < shortest)
    {
        return;
    }
    const int headDim = inputs.headDim;
    const int stride = headDim + 4;
    const int lane = threadIdx.x % WarpSize;
    const int warpRow = threadIdx.x / WarpSize * AttentionRows;
    float* keys = shared;
    float* values = keys + AttentionTile * stride;
    float* queries = values + AttentionTile * stride;
    float* gradients = queries + AttentionTile * stride;
    float* scoreGradients = gradients + AttentionTile * stride + warpRow * ProbabilityStride;
    float* rowValues = gradients + AttentionTile * stride + AttentionTile * ProbabilityStride;
    const int queryRows = head.length - firstQuery < AttentionTile ? head.length - firstQuery : AttentionTile;
    loadQueryTile(inputs, head, contextGradient, logSumExp, rowDots, firstQuery, queryRows, queries, gradients, rowValues);
    int columns[Columns];
    laneColumns(headDim, columns);
    float queryGradient[AttentionRows][Columns] = {};
    for (int firstKey = 0; firstKey < head.length; firstKey += AttentionTile)
    {
        const int keyRows = head.length - firstKey < AttentionTile ? head.length - firstKey : AttentionTile;
        loadTile(head.key + firstKey * head.rowStride, head.rowStride, keyRows, headDim, keys);
        loadTile(head.value + firstKey * head.rowStride, head.rowStride, keyRows, headDim, values);
        __syncthreads();
        if (warpRow < queryRows)
        {
            float p[AttentionRows], ds[AttentionRows];
            const int keyRow = lane < keyRows ? lane : keyRows - 1;
            tileGradients<false>(
                inputs, head, queries + warpRow * stride, gradients + warpRow * stride, keys + keyRow * stride, values + keyRow * stride,
                rowValues + warpRow, rowValues + AttentionTile + warpRow, firstQuery + warpRow, firstKey + lane, scoreGradients + lane, p, ds);
#pragma unroll
            for (int r = 0; r < AttentionRows; r++)
            {
                scoreGradients[r * ProbabilityStride + lane] = ds[r];
            }
            __syncwarp();
            addWeightedRows(scoreGradients, keys, keyRows, headDim, columns, queryGradient);
        }
        __syncthreads();
    }
    T* target = gradient + (head.first + firstQuery + warpRow) * head.rowStride + head.head * headDim;
    storeRows(queryGradient, head.scale, queryRows - warpRow, headDim, target, head.rowStride);
}

// attention_row_dots: rowDots[token][head] = dcontext . context over the head's columns, fp32 (rows, heads).
// grid: ceil(rows * heads / 4); block: 128; shared: 0
template <class T>
__device__ __forceinline__ void attentionRowDots(
    const T* context, const T* contextGradient, float* rowDots, int rows, int heads, int headDim)
{
    const int lane = threadIdx.x % WarpSize;
    const long long index = static_cast<long long>(blockIdx.x) * AttentionWarps + threadIdx.x / WarpSize;
    if (index >= static_cast<long long>(rows) * heads)
    {
        return;
    }
    float sum = 0;
    for (int column = lane; column < headDim; column += WarpSize)
    {
        sum = fmaf(toFloat(context[index * headDim + column]), toFloat(contextGradient[index * headDim + column]), sum);
    }
    sum = warpSum(sum);
    if (lane == 0)
    {
        rowDots[index] = sum;
    }
}

extern "C" __global__ void attention_row_dots_f32(
    const float* context, const float* contextGradient, float* rowDots, int rows, int heads, int headDim)
{
    attentionRowDots(context, contextGradient, rowDots, rows, heads, headDim);
}
MNR_KERNEL(attention_row_dots_f32)

extern "C" __global__ void attention_row_dots_bf16(
    const bf16* context, const bf16* contextGradient, float* rowDots, int rows, int heads, int headDim)
{
    attentionRowDots(context, contextGradient, rowDots, rows, heads, headDim);
}
MNR_KERNEL(attention_row_dots_bf16)

// attention_tiled_forward, attention_tiled_backward_keys (dK, dV), attention_tiled_backward_queries (dQ): for the sentences of at least
// `shortest` tokens; the others are left alone (attention_short does them).
// grid: (sentences, heads, ceil(longest / 32)); block: 128
// shared: forward (96 * (headDim + 4) + 1152) * 4; keys (128 * (headDim + 4) + 2368) * 4; queries (128 * (headDim + 4) + 1216) * 4
// queryKeyValue (rows, 3 hidden), its gradient the same; squaredOffsets[s]: the sum of l^2 over the sentences before s, as int64, read
// only with dropout; bias (heads * biasLength, biasLength) or null; logSumExp and rowDots fp32 (rows, heads), logSumExp null where no
// backward pass follows; context, contextGradient (rows, hidden). Spare rows are left alone: zero_spare_rows.
#define MNR_ATTENTION_TILED(T, suffix, columns)                                                                                              \
    extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_tiled_forward_##suffix(                                         \
        const T* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,                      \
        const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, float* logSumExp, T* context, int heads,           \
        int headDim, int shortest)                                                                                                           \
    {                                                                                                                                        \
        const AttentionInputs<T> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,                                         \
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};                           \
        attentionTiledForward<T, columns>(inputs, logSumExp, context, shortest);                                                             \
    }                                                                                                                                        \
    MNR_KERNEL(attention_tiled_forward_##suffix)                                                                                             \
    extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_tiled_backward_keys_##suffix(                                   \
        const T* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,                      \
        const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, const float* logSumExp, const float* rowDots,      \
        const T* contextGradient, T* gradient, int heads, int headDim, int shortest)                                                         \
    {                                                                                                                                        \
        const AttentionInputs<T> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,                                         \
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};                           \
        attentionTiledBackwardKeys<T, columns>(inputs, logSumExp, rowDots, contextGradient, gradient, shortest);                             \
    }                                                                                                                                        \
    MNR_KERNEL(attention_tiled_backward_keys_##suffix)                                                                                       \
    extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_tiled_backward_queries_##suffix(                                \
        const T* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,                      \
        const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, const float* logSumExp, const float* rowDots,      \
        const T* contextGradient, T* gradient, int heads, int headDim, int shortest)                                                         \
    {                                                                                                                                        \
        const AttentionInputs<T> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,                                         \
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};                           \
        attentionTiledBackwardQueries<T, columns>(inputs, logSumExp, rowDots, contextGradient, gradient, shortest);                          \
    }                                                                                                                                        \
    MNR_KERNEL(attention_tiled_backward_queries_##suffix)

MNR_ATTENTION_TILED(float, f32_d32, 1)
MNR_ATTENTION_TILED(float, f32_d64, 2)
MNR_ATTENTION_TILED(float, f32_d128, 4)
MNR_ATTENTION_TILED(bf16, bf16_d32, 1)
MNR_ATTENTION_TILED(bf16, bf16_d64, 2)
MNR_ATTENTION_TILED(bf16, bf16_d128, 4)
#undef MNR_ATTENTION_TILED
