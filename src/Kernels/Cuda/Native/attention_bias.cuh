// The gradient of attention's additive bias: element (head, query, key) is the sum of dS over the sentences that are long enough, in
// their order. (MPNet's relative positions; maths in attention.cuh.)
//
// A block keeps the sums of one tile of 32 by 32 elements of a head in registers, eight a thread, and goes over sentences in order,
// computing the tile's dS again. Short biases have few tiles: then the sentences are cut into groups, one block a tile and group, each
// group writes its own copy, and reduce_partials adds the copies in order.
#pragma once

#include "attention_tiled.cuh"

template <class T>
__device__ __forceinline__ void attentionBiasGradient(
    const AttentionInputs<T>& inputs, const float* logSumExp, const float* rowDots, const T* contextGradient, float* biasGradient,
    int sentences, int accumulate)
{
    DYNAMIC_SHARED(float, shared);
    const int tiles = (inputs.biasLength + AttentionTile - 1) / AttentionTile;
    const int firstQuery = static_cast<int>(blockIdx.x) / tiles * AttentionTile;
    const int firstKey = static_cast<int>(blockIdx.x) % tiles * AttentionTile;
    const int group = (sentences + gridDim.z - 1) / gridDim.z;
    const int end = static_cast<int>(blockIdx.z + 1) * group < sentences ? (blockIdx.z + 1) * group : sentences;
    const int headDim = inputs.headDim;
    const int stride = headDim + 4;
    const int lane = threadIdx.x % WarpSize;
    const int warpRow = threadIdx.x / WarpSize * AttentionRows;
    float* keys = shared;
    float* values = keys + AttentionTile * stride;
    float* queries = values + AttentionTile * stride;
    float* gradients = queries + AttentionTile * stride;
    float* rowValues = gradients + AttentionTile * stride;
    float* masks = rowValues + 2 * AttentionTile + warpRow * ProbabilityStride + lane;
    float sums[AttentionRows] = {};
    for (int sentence = blockIdx.z * group; sentence < end; sentence++)
    {
        const AttentionHead<T> head = attentionHead(inputs, sentence, blockIdx.y);
        if (head.length <= firstQuery || head.length <= firstKey)
        {
            continue;
        }
        const int queryRows = head.length - firstQuery < AttentionTile ? head.length - firstQuery : AttentionTile;
        const int keyRows = head.length - firstKey < AttentionTile ? head.length - firstKey : AttentionTile;
        __syncthreads();
        loadTile(head.key + firstKey * head.rowStride, head.rowStride, keyRows, headDim, keys);
        loadTile(head.value + firstKey * head.rowStride, head.rowStride, keyRows, headDim, values);
        loadQueryTile(inputs, head, contextGradient, logSumExp, rowDots, firstQuery, queryRows, queries, gradients, rowValues);
        __syncthreads();
        if (warpRow < queryRows)
        {
            float p[AttentionRows], ds[AttentionRows];
            const int keyRow = lane < keyRows ? lane : keyRows - 1;
            tileGradients<false>(
                inputs, head, queries + warpRow * stride, gradients + warpRow * stride, keys + keyRow * stride, values + keyRow * stride,
                rowValues + warpRow, rowValues + AttentionTile + warpRow, firstQuery + warpRow, firstKey + lane, masks, p, ds);
#pragma unroll
            for (int r = 0; r < AttentionRows; r++)
            {
                sums[r] += ds[r];
            }
        }
    }
    const long long length = inputs.biasLength;
    float* target = biasGradient + (static_cast<long long>(blockIdx.z) * inputs.heads + blockIdx.y) * length * length;
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        const int query = firstQuery + warpRow + r;
        const int key = firstKey + lane;
        if (query < length && key < length)
        {
            float* element = target + query * length + key;
            *element = accumulate ? *element + sums[r] : sums[r];
        }
    }
}

// attention_bias_gradient: grid: (ceil(biasLength / 32)^2, heads, groups); block: 128; shared: (128 * (headDim + 4) + 1216) * 4
// With one group, biasGradient (heads * biasLength, biasLength) is added to (accumulate 1) or written. With more, it is scratch of
// groups such copies, written (accumulate 0): then reduce_partials with count = groups, columns = width = heads * biasLength^2.
// Other arguments as for the tiled kernels; rowDots is needed for sentences of every length (attention_row_dots, and behind it
// attention_short_backward, which knows those of short ones better).
extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_bias_gradient_f32(
    const float* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,
    const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, const float* logSumExp, const float* rowDots,
    const float* contextGradient, float* biasGradient, int sentences, int heads, int headDim, int accumulate)
{
    const AttentionInputs<float> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,
                                           dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};
    attentionBiasGradient(inputs, logSumExp, rowDots, contextGradient, biasGradient, sentences, accumulate);
}
MNR_KERNEL(attention_bias_gradient_f32)

extern "C" __global__ void __launch_bounds__(AttentionThreads) attention_bias_gradient_bf16(
    const bf16* queryKeyValue, const int* offsets, const long long* squaredOffsets, const float* bias, int biasLength,
    const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale, const float* logSumExp, const float* rowDots,
    const bf16* contextGradient, float* biasGradient, int sentences, int heads, int headDim, int accumulate)
{
    const AttentionInputs<bf16> inputs = {queryKeyValue, offsets, squaredOffsets, bias, biasLength,
                                          dropoutMask(dropoutState, site, keepBelow, keepScale), heads, headDim};
    attentionBiasGradient(inputs, logSumExp, rowDots, contextGradient, biasGradient, sentences, accumulate);
}
MNR_KERNEL(attention_bias_gradient_bf16)
