// The embedding: y = dropout(LayerNorm(word[id] + position[p] + tokenType)), for packed tokens, and its gradients.
//
// Forward and the row-wise half of backward are LayerNorm's (layer_norm.cuh): one warp a token. Backward leaves dx, the gradient of the
// sum of the three table rows, where dy was. The tables' gradients are sums of dx over the tokens that use a row: the token ids are
// known on the host, which sorts the tokens by row (stable: packed order inside a row) and uploads the order and where each row's run
// begins. table_gradient then sums each run in order: no atomics, the same bits every time, and cost by the tokens, not the vocabulary
// (llm.c's embedding backward). The token type row's gradient is the sum over all tokens, which comes with dw and db.
// Rows that no token uses must be zero: mark_rows notes on the device which rows have been written, zero_marked_rows clears those before
// the next step, however many micro-batches or replays of a recorded step there were.
#pragma once

#include "layer_norm.cuh"

template <class T, int N>
__device__ __forceinline__ void embedNormForward(
    const int* tokenIds, const int* positions, const int* tokenCount, const float* word, const float* position, const float* tokenType,
    const float* weight, const float* bias, float epsilon, const DropoutMask& dropout, T* normalized, float* inverseDeviation, T* output,
    int rows, int hidden, float* staged)
{
    const int lane = threadIdx.x % WarpSize;
    const int warps = blockDim.x / WarpSize;
    staged += (threadIdx.x / WarpSize) * hidden;
    const int tokens = *tokenCount;
    for (int token = blockIdx.x * warps + threadIdx.x / WarpSize; token < rows; token += gridDim.x * warps)
    {
        const long long offset = static_cast<long long>(token) * hidden;
        if (token >= tokens)
        {
            const float zeros[N] = {};
            for (int column = lane * N; column < hidden; column += WarpSize * N)
            {
                store<N>(zeros, output + offset + column);
                if (normalized != nullptr)
                {
                    store<N>(zeros, normalized + offset + column);
                }
            }
            if (lane == 0 && inverseDeviation != nullptr)
            {
                inverseDeviation[token] = 0;
            }
            continue;
        }
        const float* wordRow = word + static_cast<long long>(tokenIds[token]) * hidden;
        const float* positionRow = position + static_cast<long long>(positions[token]) * hidden;
        float sum = 0;
        for (int column = lane * N; column < hidden; column += WarpSize * N)
        {
            float x[N], p[N];
            load<N>(wordRow + column, x);
            load<N>(positionRow + column, p);
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                x[i] += p[i];
            }
            if (tokenType != nullptr)
            {
                load<N>(tokenType + column, p);
#pragma unroll
                for (int i = 0; i < N; i++)
                {
                    x[i] += p[i];
                }
            }
#pragma unroll
            for (int i = 0; i < N; i++)
            {
                sum += x[i];
            }
            store<N>(x, staged + column);
        }
        normalizeStagedRow<T, N>(
            staged, sum, weight, bias, epsilon, dropout, offset, normalized, inverseDeviation == nullptr ? nullptr : inverseDeviation + token,
            output, hidden);
    }
}

// embed_norm_forward: rows 0 .. *tokenCount - 1 are tokens; spare rows up to `rows` become zero.
// grid: any, best min(ceil(rows / warps), a few blocks a multiprocessor); block: 32 * warps; shared: warps * hidden * 4
// word (vocabulary, hidden), position (positions, hidden), tokenType (1, hidden) or null; normalized, inverseDeviation saved or null.
template <class T>
__device__ __forceinline__ void embedNormForwardKernel(
    const int* tokenIds, const int* positions, const int* tokenCount, const float* word, const float* position, const float* tokenType,
    const float* weight, const float* bias, float epsilon, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    T* normalized, float* inverseDeviation, T* output, int rows, int hidden)
{
    DYNAMIC_SHARED(float, staged);
    const DropoutMask dropout = dropoutMask(dropoutState, site, keepBelow, keepScale);
    if (hidden % PackOf<T> == 0)
    {
        embedNormForward<T, PackOf<T>>(
            tokenIds, positions, tokenCount, word, position, tokenType, weight, bias, epsilon, dropout, normalized, inverseDeviation, output,
            rows, hidden, staged);
    }
    else
    {
        embedNormForward<T, 1>(
            tokenIds, positions, tokenCount, word, position, tokenType, weight, bias, epsilon, dropout, normalized, inverseDeviation, output,
            rows, hidden, staged);
    }
}

extern "C" __global__ void embed_norm_forward_f32(
    const int* tokenIds, const int* positions, const int* tokenCount, const float* word, const float* position, const float* tokenType,
    const float* weight, const float* bias, float epsilon, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    float* normalized, float* inverseDeviation, float* output, int rows, int hidden)
{
    embedNormForwardKernel(
        tokenIds, positions, tokenCount, word, position, tokenType, weight, bias, epsilon, dropoutState, site, keepBelow, keepScale,
        normalized, inverseDeviation, output, rows, hidden);
}
MNR_KERNEL(embed_norm_forward_f32)

extern "C" __global__ void embed_norm_forward_bf16(
    const int* tokenIds, const int* positions, const int* tokenCount, const float* word, const float* position, const float* tokenType,
    const float* weight, const float* bias, float epsilon, const unsigned* dropoutState, unsigned site, unsigned keepBelow, float keepScale,
    bf16* normalized, float* inverseDeviation, bf16* output, int rows, int hidden)
{
    embedNormForwardKernel(
        tokenIds, positions, tokenCount, word, position, tokenType, weight, bias, epsilon, dropoutState, site, keepBelow, keepScale,
        normalized, inverseDeviation, output, rows, hidden);
}
MNR_KERNEL(embed_norm_forward_bf16)

// embed_norm_backward: outputGradient dy becomes dx in place, with partial sums of dw, db and the token type row's gradient.
// Spare rows need dy = 0 (pool_backward and what follows give that).
// grid: G, any, best a few blocks a multiprocessor; block: 32 * warps; shared: 4 * warps * hidden * 4
// partials: float (G, 3, hidden), for reduce_partials with count G, width hidden.
template <class T>
__device__ __forceinline__ void embedNormBackwardKernel(
    T* outputGradient, const T* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState, unsigned site,
    unsigned keepBelow, float keepScale, float* partials, int rows, int hidden)
{
    DYNAMIC_SHARED(float, shared);
    const DropoutMask dropout = dropoutMask(dropoutState, site, keepBelow, keepScale);
    T* unused = nullptr;
    if (hidden % PackOf<T> == 0)
    {
        normBackward<T, PackOf<T>, true>(
            outputGradient, normalized, inverseDeviation, weight, dropout, outputGradient, unused, partials, rows, hidden, shared);
    }
    else
    {
        normBackward<T, 1, true>(
            outputGradient, normalized, inverseDeviation, weight, dropout, outputGradient, unused, partials, rows, hidden, shared);
    }
}

extern "C" __global__ void embed_norm_backward_f32(
    float* outputGradient, const float* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState,
    unsigned site, unsigned keepBelow, float keepScale, float* partials, int rows, int hidden)
{
    embedNormBackwardKernel(
        outputGradient, normalized, inverseDeviation, weight, dropoutState, site, keepBelow, keepScale, partials, rows, hidden);
}
MNR_KERNEL(embed_norm_backward_f32)

extern "C" __global__ void embed_norm_backward_bf16(
    bf16* outputGradient, const bf16* normalized, const float* inverseDeviation, const float* weight, const unsigned* dropoutState,
    unsigned site, unsigned keepBelow, float keepScale, float* partials, int rows, int hidden)
{
    embedNormBackwardKernel(
        outputGradient, normalized, inverseDeviation, weight, dropoutState, site, keepBelow, keepScale, partials, rows, hidden);
}
MNR_KERNEL(embed_norm_backward_bf16)

constexpr int TableGradientColumns = WarpSize * 4;
constexpr int TableGradientMostWarps = 16;
constexpr int TableGradientShortRun = 4;

// One block sums 128 columns of one table row's run. Common tokens ([CLS], [SEP], a full stop) occur in every sentence, so a long run
// is cut into one piece a warp, which are summed side by side and then added in order; the cut depends on the run's length alone.
template <class T, int N>
__device__ __forceinline__ void tableGradient(
    const T* gradient, const int* order, int first, int last, float* tableRow, int hidden, int accumulate, float (*sums)[TableGradientColumns])
{
    const int lane = threadIdx.x % WarpSize;
    const int warp = threadIdx.x / WarpSize;
    const int warps = blockDim.x / WarpSize;
    int piece = (last - first + warps - 1) / warps;
    piece = piece < TableGradientShortRun ? TableGradientShortRun : piece;
    const int start = first + warp * piece;
    const int end = start + piece < last ? start + piece : last;
    const int firstColumn = blockIdx.y * TableGradientColumns;
    constexpr int Steps = TableGradientColumns / WarpSize / N;
#pragma unroll
    for (int step = 0; step < Steps; step++)
    {
        const int column = (step * WarpSize + lane) * N;
        float sum[N] = {};
        if (firstColumn + column < hidden)
        {
#pragma unroll 4
            for (int i = start; i < end; i++)
            {
                float dx[N];
                load<N>(gradient + static_cast<long long>(order[i]) * hidden + firstColumn + column, dx);
#pragma unroll
                for (int j = 0; j < N; j++)
                {
                    sum[j] += dx[j];
                }
            }
        }
        store<N>(sum, sums[warp] + column);
    }
    __syncthreads();
    const int column = firstColumn + threadIdx.x;
    if (threadIdx.x < TableGradientColumns && column < hidden)
    {
        float sum = accumulate ? tableRow[column] : 0.0f;
        for (int w = 0; w < warps && first + w * piece < last; w++)
        {
            sum += sums[w][threadIdx.x];
        }
        tableRow[column] = sum;
    }
}

// table_gradient: table[row] = sum of the gradient rows of its tokens, in order (added with accumulate).
// grid: (at least *runCount, ceil(hidden / 128)); block: 32 * warps, 128 to 512 threads; shared: 0
// Run r is of table row tableRows[r], tokens order[runStarts[r]] .. order[runStarts[r + 1] - 1]; a run of row skipRow (-1: none) is left
// out (padding). The same kernel serves words and positions.
template <class T>
__device__ __forceinline__ void tableGradientKernel(
    const T* gradient, const int* order, const int* runStarts, const int* tableRows, const int* runCount, int skipRow, float* table,
    int hidden, int accumulate)
{
    __shared__ __align__(16) float sums[TableGradientMostWarps][TableGradientColumns];
    const int run = blockIdx.x;
    if (run >= *runCount || tableRows[run] == skipRow)
    {
        return;
    }
    float* tableRow = table + static_cast<long long>(tableRows[run]) * hidden;
    if (hidden % 4 == 0)
    {
        tableGradient<T, 4>(gradient, order, runStarts[run], runStarts[run + 1], tableRow, hidden, accumulate, sums);
    }
    else
    {
        tableGradient<T, 1>(gradient, order, runStarts[run], runStarts[run + 1], tableRow, hidden, accumulate, sums);
    }
}

extern "C" __global__ void table_gradient_f32(
    const float* gradient, const int* order, const int* runStarts, const int* tableRows, const int* runCount, int skipRow, float* table,
    int hidden, int accumulate)
{
    tableGradientKernel(gradient, order, runStarts, tableRows, runCount, skipRow, table, hidden, accumulate);
}
MNR_KERNEL(table_gradient_f32)

extern "C" __global__ void table_gradient_bf16(
    const bf16* gradient, const int* order, const int* runStarts, const int* tableRows, const int* runCount, int skipRow, float* table,
    int hidden, int accumulate)
{
    tableGradientKernel(gradient, order, runStarts, tableRows, runCount, skipRow, table, hidden, accumulate);
}
MNR_KERNEL(table_gradient_bf16)

// mark_rows: flags[row] = 1 for the rows of the runs: those whose gradient is no longer zero.
// grid: ceil(most runs / 256); block: 256; shared: 0
extern "C" __global__ void mark_rows(const int* tableRows, const int* runCount, unsigned char* flags)
{
    const int run = blockIdx.x * blockDim.x + threadIdx.x;
    if (run < *runCount)
    {
        flags[tableRows[run]] = 1;
    }
}
MNR_KERNEL(mark_rows)

// zero_marked_rows: clears the marked rows of a table, and their marks. A warp looks at a row; of a vocabulary most are unmarked.
// grid: ceil(rows / 8); block: 256; shared: 0
extern "C" __global__ void zero_marked_rows(float* table, unsigned char* flags, int rows, int hidden)
{
    const int row = blockIdx.x * (blockDim.x / WarpSize) + threadIdx.x / WarpSize;
    if (row >= rows || flags[row] == 0)
    {
        return;
    }
    const int lane = threadIdx.x % WarpSize;
    for (int column = lane; column < hidden; column += WarpSize)
    {
        table[static_cast<long long>(row) * hidden + column] = 0;
    }
    __syncwarp();
    if (lane == 0)
    {
        flags[row] = 0;
    }
}
MNR_KERNEL(zero_marked_rows)
