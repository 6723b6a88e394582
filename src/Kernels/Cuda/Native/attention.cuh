// Self-attention inside each sentence of a packed batch: what its kernels share. For each sentence of l tokens and head, with
// d = headDim and M the dropout mask (element numbers as IKernels.Attention gives them):
//
//   S = Q K^T / sqrt(d) + bias;  P = softmax(S), saved as logSumExp of each row;  context = (P M) V
//
//   D_i = dcontext_i . context_i = sum over j of (P M)_ij (dcontext V^T)_ij;  dV = (P M)^T dcontext;  dS = P (M (dcontext V^T) - D);  dQ = dS K / sqrt(d);  dK = dS^T Q / sqrt(d)
//
// Q, K, V of a token stand in one row (3 hidden) of queryKeyValue; head h of each at h d. headDim is a multiple of 8 up to 128; kernels
// come for headDim up to 32, 64 and 128 (suffix _d32, _d64, _d128), since a lane keeps headDim / 32 columns in registers.
// Anything else (headDim 12, or above 128) has no kernel: the caller refuses it by name.
//
// The unit of work is a tile of 32 queries by 32 keys for a block of four warps: a warp has eight query rows, a lane one key of each.
// Tiles stand in shared memory as fp32, rows headDim + 4 apart: then the 16-byte reads of 32 different rows at one column take the
// fewest passes over the banks, and eight rows' share of queries are broadcasts. No tensor cores are used, in fp32 or in bf16.
#pragma once

#include "philox.cuh"
#include "vectors.cuh"

constexpr int AttentionTile = 32;
constexpr int AttentionWarps = 4;
constexpr int AttentionThreads = AttentionWarps * WarpSize;
constexpr int AttentionRows = AttentionTile / AttentionWarps;

// Distance of the rows of a tile of probabilities: 16-byte aligned, and not a multiple of the 32 banks.
constexpr int ProbabilityStride = AttentionTile + 4;

// What all attention kernels are given.
template <class T>
struct AttentionInputs
{
    const T* queryKeyValue;
    const int* offsets;
    const long long* squaredOffsets;
    const float* bias;
    int biasLength;
    DropoutMask dropout;
    int heads, headDim;
};

// One sentence and head.
template <class T>
struct AttentionHead
{
    const T* query;
    const T* key;
    const T* value;
    const float* bias;
    long long rowStride;
    int first, length, head;
    unsigned long long firstElement;
    float scale;
};

template <class T>
__device__ __forceinline__ AttentionHead<T> attentionHead(const AttentionInputs<T>& inputs, int sentence, int head)
{
    AttentionHead<T> result;
    const int hidden = inputs.heads * inputs.headDim;
    result.first = inputs.offsets[sentence];
    result.length = inputs.offsets[sentence + 1] - result.first;
    result.head = head;
    result.rowStride = 3ll * hidden;
    result.query = inputs.queryKeyValue + result.first * result.rowStride + head * inputs.headDim;
    result.key = result.query + hidden;
    result.value = result.key + hidden;
    result.bias = inputs.bias == nullptr ? nullptr : inputs.bias + static_cast<long long>(head) * inputs.biasLength * inputs.biasLength;
    result.firstElement = 0;
    if (inputs.dropout.isActive)
    {
        const unsigned long long square = static_cast<unsigned long long>(result.length) * result.length;
        result.firstElement = static_cast<unsigned long long>(inputs.squaredOffsets[sentence]) * inputs.heads + head * square;
    }
    result.scale = 1.0f / sqrtf(static_cast<float>(inputs.headDim));
    return result;
}

// Copies `rows` rows of headDim elements into a tile, by all threads of the block; rows to the next multiple of AttentionRows are zero,
// those behind it are neither written nor read.
template <class T>
__device__ __forceinline__ void loadTile(const T* source, long long rowStride, int rows, int headDim, float* tile)
{
    constexpr int N = PackOf<T>;
    const int packs = headDim / N;
    const int all = (rows + AttentionRows - 1) / AttentionRows * AttentionRows * packs;
    for (int i = threadIdx.x; i < all; i += AttentionThreads)
    {
        const int row = i / packs;
        const int column = i % packs * N;
        float values[N] = {};
        if (row < rows)
        {
            load<N>(source + row * rowStride + column, values);
        }
        store<N>(values, tile + row * (headDim + 4) + column);
    }
}

// products[r] = left row r . right row `lane`, for the warp's eight rows of one tile and the rows of another. With fewer than 32 rows
// on the right the lanes behind read the last one there.
__device__ __forceinline__ void multiplyRows(const float* left, const float* right, int headDim, float (&products)[AttentionRows])
{
    const int stride = headDim + 4;
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        products[r] = 0;
    }
#pragma unroll 2
    for (int column = 0; column < headDim; column += 4)
    {
        float b[4];
        load<4>(right + column, b);
#pragma unroll
        for (int r = 0; r < AttentionRows; r++)
        {
            float a[4];
            load<4>(left + r * stride + column, a);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                products[r] = fmaf(a[i], b[i], products[r]);
            }
        }
    }
}

// The columns of a head that this lane keeps, the last one for those beyond headDim (computed, never stored).
template <int Columns>
__device__ __forceinline__ void laneColumns(int headDim, int (&columns)[Columns])
{
#pragma unroll
    for (int j = 0; j < Columns; j++)
    {
        const int column = threadIdx.x % WarpSize + j * WarpSize;
        columns[j] = column < headDim ? column : headDim - 1;
    }
}

// accumulators[r] += sum over k < count of weights[r][k] rows[k], for eight rows of weights (ProbabilityStride apart).
// Weights of k from count to the next multiple of 4 are zero, as are those rows.
template <int Columns>
__device__ __forceinline__ void addWeightedRows(
    const float* weights, const float* rows, int count, int headDim, const int (&columns)[Columns], float (&accumulators)[AttentionRows][Columns])
{
    const int stride = headDim + 4;
#pragma unroll 1
    for (int k = 0; k < count; k += 4)
    {
        float values[4][Columns];
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
#pragma unroll
            for (int j = 0; j < Columns; j++)
            {
                values[i][j] = rows[(k + i) * stride + columns[j]];
            }
        }
#pragma unroll
        for (int r = 0; r < AttentionRows; r++)
        {
            float weight[4];
            load<4>(weights + r * ProbabilityStride + k, weight);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
#pragma unroll
                for (int j = 0; j < Columns; j++)
                {
                    accumulators[r][j] = fmaf(weight[i], values[i][j], accumulators[r][j]);
                }
            }
        }
    }
}

// accumulators[r] += sum over i < count of weights[i][r] rows[i]: the same with the weights transposed.
template <int Columns>
__device__ __forceinline__ void addWeightedRowsTransposed(
    const float* weights, const float* rows, int count, int headDim, const int (&columns)[Columns], float (&accumulators)[AttentionRows][Columns])
{
    const int stride = headDim + 4;
#pragma unroll 2
    for (int i = 0; i < count; i++)
    {
        float weight[AttentionRows];
        load<AttentionRows>(weights + i * ProbabilityStride, weight);
#pragma unroll
        for (int j = 0; j < Columns; j++)
        {
            const float value = rows[i * stride + columns[j]];
#pragma unroll
            for (int r = 0; r < AttentionRows; r++)
            {
                accumulators[r][j] = fmaf(weight[r], value, accumulators[r][j]);
            }
        }
    }
}

// Writes the warp's eight rows, those below `rows`, times a factor, to headDim columns of the target's rows.
template <class T, int Columns>
__device__ __forceinline__ void storeRows(
    const float (&accumulators)[AttentionRows][Columns], float factor, int rows, int headDim, T* target, long long rowStride)
{
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
#pragma unroll
        for (int j = 0; j < Columns; j++)
        {
            const int column = threadIdx.x % WarpSize + j * WarpSize;
            if (r < rows && column < headDim)
            {
                target[r * rowStride + column] = fromFloat<T>(factor * accumulators[r][j]);
            }
        }
    }
}

// The score of (query, key) from their product, -infinity outside the sentence.
template <class T>
__device__ __forceinline__ float score(const AttentionInputs<T>& inputs, const AttentionHead<T>& head, float product, int query, int key)
{
    if (query >= head.length || key >= head.length)
    {
        return -infinity();
    }
    const float bias = head.bias == nullptr ? 0.0f : head.bias[static_cast<long long>(query) * inputs.biasLength + key];
    return fmaf(product, head.scale, bias);
}

// Writes what dropout multiplies the probabilities of the warp's eight rows and the lane's key by, ProbabilityStride apart, 0 outside the
// sentence; the lane alone reads them again. A loop on purpose: eight generators side by side would be most of the kernel's code.
template <class T>
__device__ __forceinline__ void drawMasks(
    const AttentionInputs<T>& inputs, const AttentionHead<T>& head, int firstQuery, int key, float* masks)
{
#pragma unroll 1
    for (int r = 0; r < AttentionRows; r++)
    {
        const int query = firstQuery + r;
        const bool isInside = query < head.length && key < head.length;
        const unsigned long long element = head.firstElement + static_cast<unsigned long long>(query) * head.length + key;
        masks[r * ProbabilityStride] = isInside ? dropoutFactor(inputs.dropout, element) : 0.0f;
    }
}

// P M and dS of a tile, for the warp's eight query rows and the lane's key. `queries` and `gradients` are the warp's rows of Q and
// dcontext, `key` and `value` the lane's rows, logSumExp and rowDots (D) the warp's. `masks`: eight words a lane, ProbabilityStride
// apart, overwritten.
//
// With IsWholeRow the tile has all keys, and D is computed here, as the sum of P M (dcontext V^T) over them: then dS of a row adds up to
// zero in fp32 whatever the context was rounded to, and a sentence of one token has no dS, as it should.
template <bool IsWholeRow, class T>
__device__ __forceinline__ void tileGradients(
    const AttentionInputs<T>& inputs, const AttentionHead<T>& head, const float* queries, const float* gradients, const float* key,
    const float* value, const float* logSumExp, float* rowDots, int firstQuery, int keyIndex, float* masks,
    float (&dropped)[AttentionRows], float (&scoreGradients)[AttentionRows])
{
    drawMasks(inputs, head, firstQuery, keyIndex, masks);
    multiplyRows(queries, key, inputs.headDim, dropped);
    multiplyRows(gradients, value, inputs.headDim, scoreGradients);
#pragma unroll
    for (int r = 0; r < AttentionRows; r++)
    {
        const float mask = masks[r * ProbabilityStride];
        const float logit = score(inputs, head, dropped[r], firstQuery + r, keyIndex);
        const float probability = logit == -infinity() ? 0.0f : expf(logit - logSumExp[r]);
        dropped[r] = probability * mask;
        if constexpr (IsWholeRow)
        {
            rowDots[r] = warpSum(dropped[r] * scoreGradients[r]);
        }
        scoreGradients[r] = probability == 0.0f ? 0.0f : probability * fmaf(scoreGradients[r], mask, -rowDots[r]);
    }
}
